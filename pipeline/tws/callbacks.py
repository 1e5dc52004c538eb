"""The base of a handler: every callback of the genuine EWrapper, empty, and those of our own."""

from __future__ import annotations

from typing import Any

import numpy as np
from ibapi.wrapper import EWrapper
from numpy.typing import NDArray

from pipeline.tws.error_codes import TwsError


class Callbacks(EWrapper):  # type: ignore[misc]  # ibapi is not typed
    """Override what you need. Everything is called from the loop that owns the connection.

    Errors arrive at `tws_error`, normalised; overriding `error` is not needed. The callbacks of ibapi keep their names
    and arguments (`openOrder`, `orderStatus`, `execDetails`, `commissionAndFeesReport`, `position` …).
    """

    # About the connection (called by `connection.Connection`).

    def tws_ready(self) -> None:
        """Ids and accounts are known and allowed: ask for what you need. Called again after every reconnect."""

    def tws_lost(self, reason: str) -> None:
        """The connection is gone, or it never came to be; requests of it will never be answered."""

    def tws_data_lost(self) -> None:
        """1101: TWS lost every market-data request; ask again."""

    def tws_data_kept(self) -> None:
        """1102: TWS is back and kept the requests; check that data flows."""

    def tws_error(self, error: TwsError) -> None:
        """An error, a warning or a notice of TWS."""

    def tws_changed(self) -> None:
        """State, farms or accounts changed: `Connection.state_message()` is worth publishing."""

    # About data (called by `client.TwsClient`).

    def ticks(self, records: NDArray[np.void], slots: NDArray[np.int32]) -> None:
        """See client.Handler."""

    def options(self, records: NDArray[np.void], slots: NDArray[np.int32]) -> None:
        """See client.Handler."""

    def feed(self, topic: bytes, records: NDArray[np.void]) -> None:
        """See client.Handler."""

    def text_tick(self, con_id: int, tick_type: int, text: str) -> None:
        """See client.Handler."""

    def bad_frame(self, kind: str, text: str) -> None:
        """See client.Handler."""

    def logAnswer(self, fnName: str, fnParams: Any) -> None:
        """Nothing: the stock one formats every answer that nobody overrides."""
