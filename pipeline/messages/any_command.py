"""Every command that a process may be sent."""

from __future__ import annotations

from pipeline.messages.commands import (
    AddSymbol,
    CancelAll,
    CancelOrder,
    DisableTrading,
    EnableTrading,
    Explain,
    FindSymbols,
    ModifyOrder,
    PlaceOrder,
    PreviewOrder,
    RemoveSymbol,
    WhatIf,
)
from pipeline.messages.data_commands import DataCommand

AnyCommand = (
    AddSymbol
    | RemoveSymbol
    | FindSymbols
    | Explain
    | WhatIf
    | PreviewOrder
    | PlaceOrder
    | ModifyOrder
    | CancelOrder
    | CancelAll
    | EnableTrading
    | DisableTrading
    | DataCommand
)
