"""Shared by the unit tests of the desk: a clock that a test sets, colours, messages."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from pipeline.messages import TICK, Frame, Header, Instrument, Message, PayloadKind, StreamId, pack
from ui.desktop import theme
from ui.desktop.looks import Looks


class SetClock:
    """Both clocks stand until a test moves them."""

    def __init__(self) -> None:
        self.s = 1000.0

    def now_ns(self) -> int:
        return 1_790_000_000_000_000_000 + int(self.s * 1e9)

    def monotonic(self) -> float:
        return self.s


@pytest.fixture
def clock() -> SetClock:
    return SetClock()


@pytest.fixture
def looks(qapp: Any) -> Looks:
    return Looks(theme.DARK)


def frame_of(message: Message, stream: StreamId = StreamId.INGEST, publish_ns: int = 1) -> Frame:
    header = Header(PayloadKind.MAP, stream, 1, 1, 1, 1, publish_ns)
    return Frame(message.topic.encode(), header, pack(message))


def records_frame(topic: bytes, array: NDArray[np.void], stream: StreamId, publish_ns: int = 1) -> Frame:
    return Frame(topic, Header(PayloadKind.RECORDS, stream, len(array), 1, 1, 1, publish_ns), array.tobytes())


def ticks(*rows: tuple[int, int, float, float]) -> NDArray[np.void]:
    """(con_id, tick_type, price, size) each."""
    array = np.zeros(len(rows), dtype=TICK)
    for record, (con_id, kind, price, size) in zip(array, rows, strict=True):
        record["con_id"], record["tick_type"], record["price"], record["size"] = con_id, kind, price, size
    array["recv_ns"] = 1_790_000_000_000_000_000
    return array


def stock(con_id: int, symbol: str, **facts: Any) -> Instrument:
    return Instrument(con_id=con_id, symbol=symbol, sec_type="STK", currency="USD", exchange="SMART", **facts)


@pytest.fixture
def make() -> Any:
    """The builders above, for tests that can't import this file."""

    class Make:
        frame, records, ticks, stock = map(staticmethod, (frame_of, records_frame, ticks, stock))

    return Make
