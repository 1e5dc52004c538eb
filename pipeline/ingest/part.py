"""What ingest is made of: parts, each with its topic, and the hub that they share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from pipeline.bus.control import Request
from pipeline.clock import Clock
from pipeline.config import Settings
from pipeline.ingest.instruments import Instruments
from pipeline.ingest.requests import Requests
from pipeline.messages import Message
from pipeline.tws.connection import Connection
from pipeline.tws.error_codes import TwsError

Item = tuple[bytes, "np.ndarray[Any, Any] | Message"]  # topic and what a late joiner is given


@dataclass(frozen=True, slots=True)
class Hub:
    """What every part uses."""

    settings: Settings
    directory: Path  # what may be thrown away: caches
    clock: Clock
    connection: Connection
    requests: Requests
    instruments: Instruments
    publish: Callable[[Message], None]  # journal and publish
    records: Callable[[bytes, NDArray[np.void]], object]  # the same for an array of records of a topic
    answer: Callable[..., None]  # (request, ok, text, body={}): the one reply to a command
    lines_changed: Callable[[], None]  # the market-data lines have to be chosen again

    def publish_all(self, batch: Sequence[Message]) -> None:
        """Several messages, in order."""
        for message in batch:
            self.publish(message)

    def away(self) -> str:
        """Why TWS can't be asked, for a person."""
        return f"TWS is not connected: {self.connection.session.reason or self.connection.session.state}"


class Part:
    """One topic of ingest.

    TWS's answers come to the methods that bear the names of EWrapper's callbacks: a part defines those that it hears,
    and no callback belongs to two parts. `commands` are the kinds that `handle` takes; each gets exactly one answer.
    """

    commands: ClassVar[tuple[type[Any], ...]] = ()

    def __init__(self, hub: Hub) -> None:
        self.hub = hub

    def handle(self, request: Request, command: Any) -> None:
        """One command of the kinds named above; the connection may be away."""
        raise AssertionError(f"{type(self).__name__} has no commands")

    def cancel(self, request_id: str) -> bool:
        """End what the command with this id began; False where it is none of this part's. The command is answered."""
        return False

    def connected(self) -> None:
        """A new connection is READY and knows nothing of us."""

    def lost(self, reason: str) -> None:
        """The connection is gone; open requests have ended already (`Outcome.LOST`)."""

    def data_lost(self) -> None:
        """1101: TWS forgot every subscription to market data; their request ids are not used again."""

    def check_flow(self) -> None:
        """1102, or a farm is back: see whether data comes."""

    def told(self, error: TwsError) -> bool:
        """An error that belongs to no request of `hub.requests`; True when it is this part's."""
        return False

    def step(self, now_s: float) -> None:
        """Once in each loop, connected or not."""

    def items(self) -> list[Item]:
        """What a late joiner is given."""
        return []

    def cancel_all(self) -> None:
        """Before the end: cancel what streams at TWS."""
