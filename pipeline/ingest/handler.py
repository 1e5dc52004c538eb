"""What TWS calls: each callback goes straight to the part that defines it, records to the stream."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from ibapi.wrapper import EWrapper
from numpy.typing import NDArray

from pipeline import messages
from pipeline.ingest.part import Part
from pipeline.tws.callbacks import Callbacks
from pipeline.tws.error_codes import Action, TwsError

if TYPE_CHECKING:
    from pipeline.ingest.service import Ingest

CALLBACKS = frozenset(name for name in vars(EWrapper) if not name.startswith("_"))


class IngestHandler(Callbacks):
    """The ears of ingest; hot records go straight to the stream."""

    def __init__(self, ingest: Ingest) -> None:
        super().__init__()
        self._ingest = ingest

    def listen(self, parts: Sequence[Part]) -> None:
        """Give each callback to the part that defines it; two parts with the same one are a fault of ours."""
        heard: dict[str, Part] = {}
        for part in parts:
            for name in sorted(CALLBACKS & set(dir(type(part)))):
                assert name not in heard, f"{name}: {type(heard[name]).__name__} hears it, and {type(part).__name__}"
                heard[name] = part
                setattr(self, name, getattr(part, name))

    def ticks(self, records: NDArray[np.void], slots: NDArray[np.int32]) -> None:
        self._ingest.latest.ticks(records, slots)  # first: it flags what is suspect
        self._ingest.stream.records(b"md.tick", records)

    def options(self, records: NDArray[np.void], slots: NDArray[np.int32]) -> None:
        self._ingest.stream.records(b"md.option", records)
        self._ingest.latest.options(records, slots)

    def feed(self, topic: bytes, records: NDArray[np.void]) -> None:
        self._ingest.stream.records(topic, records)

    def text_tick(self, con_id: int, tick_type: int, text: str) -> None:
        now_ns = self._ingest.clock.now_ns()
        self._ingest.publish(messages.MarketText(con_id=con_id, tick_type=tick_type, text=text, recv_ns=now_ns))

    def tws_ready(self) -> None:
        self._ingest.on_ready()

    def tws_lost(self, reason: str) -> None:
        self._ingest.on_lost(reason)

    def tws_data_lost(self) -> None:
        for part in self._ingest.parts:
            part.data_lost()

    def tws_data_kept(self) -> None:
        self._check_flow()

    def tws_error(self, error: TwsError) -> None:
        ingest = self._ingest
        if ingest.requests.error(error) or any(part.told(error) for part in ingest.parts):
            return
        if error.meaning.action is Action.CHECK_FLOW and error.code != 1102:
            self._check_flow()

    def _check_flow(self) -> None:
        for part in self._ingest.parts:
            part.check_flow()

    def tws_changed(self) -> None:
        self._ingest.publish_state()
