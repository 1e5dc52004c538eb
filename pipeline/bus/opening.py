"""Which process owns which journal, and how it opens its own."""

from __future__ import annotations

from pipeline.bus.journal import Journal
from pipeline.clock import Clock
from pipeline.config import Journal as Settings
from pipeline.messages import StreamId
from pipeline.runtime import Runtime

OWNERS: dict[StreamId, str] = {
    StreamId.SUPERVISOR: "supervisor",
    StreamId.INGEST: "ingest",
    StreamId.ORDERS: "orders",
    StreamId.MARGIN_RECORD: "margin",
}


def open_journal(runtime: Runtime, stream: StreamId, settings: Settings, clock: Clock) -> Journal:
    """The journal of `stream` in this run's state directory, recovered; its owner's alone until it is closed."""
    return Journal(
        runtime.journal_dir(OWNERS[stream]),
        stream,
        segment_bytes=settings.segment_bytes,
        sync_ms=settings.sync_ms,
        max_bytes=settings.max_bytes,
        clock=clock,
    )
