"""Journals of ingest, written with the project's own writer."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import numpy.typing as npt

from pipeline import messages
from pipeline.bus.journal import Journal
from pipeline.clock import SystemClock
from pipeline.messages import TICK, Frame, Header, Instrument, PayloadKind, StreamId

T0 = 1_763_994_600_000_000_000  # 2025-11-24 09:30 in New York
MS = 1_000_000
AAPL = Instrument(con_id=265598, symbol="AAPL", sec_type="STK", currency="USD", exchange="SMART",
                  primary_exchange="NASDAQ", trading_class="NMS", min_tick=0.01, long_name="APPLE INC")  # fmt: skip


class Writer:
    """Appends frames as ingest does."""

    def __init__(self, directory: Path) -> None:
        self.journal = Journal(
            directory, StreamId.INGEST, segment_bytes=1 << 16, sync_ms=1.0, max_bytes=1 << 30, clock=SystemClock()
        )

    def records(self, topic: bytes, records: npt.NDArray[np.void]) -> None:
        self._append(topic, PayloadKind.RECORDS, records.size, records.tobytes())

    def message(self, message: messages.Message) -> None:
        self._append(message.topic.encode(), PayloadKind.MAP, 1, messages.pack(message))

    def _append(self, topic: bytes, kind: PayloadKind, count: int, payload: bytes) -> None:
        journal = self.journal
        header = Header(kind, StreamId.INGEST, count, journal.epoch, 7, journal.next_seq, T0)
        journal.append(Frame(topic, header, payload))


def tick(
    ms: int, kind: int, price: float = math.nan, size: float = math.nan, con_id: int = 265598, flags: int = 0
) -> npt.NDArray[np.void]:
    """One TICK, `ms` after T0."""
    found = np.zeros(1, TICK)
    found["market_ns"], found["recv_ns"] = T0 + ms * MS, T0 + ms * MS + 17
    found["con_id"], found["tick_type"], found["price"], found["size"] = con_id, kind, price, size
    found["flags"] = flags
    return found
