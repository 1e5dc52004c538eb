"""The queue between the reader and the window is bounded."""

from __future__ import annotations

from typing import Any

from pipeline.messages import StreamId
from ui.desktop.stream import FrameQueue


def test_in_order_and_once(make: Any) -> None:
    queue = FrameQueue()
    frames = [make.records(b"md.tick", make.ticks((i, 1, 1.0, 1.0)), StreamId.INGEST) for i in range(5)]
    assert queue.put(frames[:2])
    assert queue.put(frames[2:])
    assert queue.take() == frames
    assert queue.take() == []


def test_full_drops_all_and_says_so(make: Any) -> None:
    frame = make.records(b"md.tick", make.ticks((1, 1, 1.0, 1.0)), StreamId.INGEST)
    queue = FrameQueue(max_bytes=2000)
    while queue.put([frame]):
        pass
    assert len(queue) == 0
    assert queue.dropped == 5  # four held, and the one that did not fit
    assert queue.put([frame])
