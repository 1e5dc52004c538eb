"""One journaled stream as the writer sees it: what was fetched, what is believed committed, what is built ahead."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from pipeline.bus.record import Fetcher
from pipeline.clock import Clock
from pipeline.messages import Frame, StreamId
from storage.rows import unsigned
from storage.writer import batch
from storage.writer.batch import BATCH_ROWS, Batch
from storage.writer.quotes import FLUSH_S, Quotes

GATHER_S = 0.05  # a batch that is not full waits so long for more: each commit costs a sync of the disk
HELD_ROWS = 4 * BATCH_ROWS  # beyond it nothing more is fetched


class Source:
    """Pulls frames and hands out batches; knows nothing of PostgreSQL but the watermark it was told."""

    def __init__(self, fetcher: Fetcher, clock: Clock) -> None:
        self.fetcher = fetcher
        self.stream: StreamId = fetcher.stream
        self.believed: tuple[int, int] | None = None  # (signed epoch, next seq) in PostgreSQL
        self.quotes = Quotes()
        self.quotes_seq = 0
        self._clock = clock
        self._pending: deque[Frame] = deque()
        self._rows = 0
        self._since = 0.0
        self._built: Batch | None = None
        self._flushed_at = 0.0

    def begin(self, believed: tuple[int, int] | None) -> None:
        """Start (again) at the watermark; what was fetched before is forgotten and fetched again."""
        self.believed = believed
        self.quotes_seq = believed[1] if believed else 0
        self._pending.clear()
        self.quotes.clear()
        self._rows, self._built = 0, None
        self.fetcher.start(unsigned(believed[0]) if believed else None, believed[1] if believed else 0)

    @property
    def waiting(self) -> int:
        """Rows that are here and not committed."""
        return self._rows + (self._built.rows if self._built is not None else 0)

    def collect(self) -> bool:
        """Take what has come; True if anything has."""
        came = False
        while self._rows < HELD_ROWS and (frames := self.fetcher.receive()):
            if not self._rows:
                self._since = self._clock.monotonic()
            self._pending.extend(frames)
            self._rows += sum(frame.header.count for frame in frames)
            came = True
        return came

    def ahead(self) -> tuple[Callable[[], object], Callable[[], None]]:
        """What can be done while the server works: fetch, and make the next batch."""
        return self.collect, self._build_ahead

    def _build_ahead(self) -> None:
        """Where a full one is here."""
        if self._built is None and self._rows >= BATCH_ROWS:
            self._built = self._build()

    def next_batch(self, *, at_once: bool = False) -> Batch | None:
        """A full batch, or what is here when it has waited long enough."""
        if self._built is not None:
            built, self._built = self._built, None
            return built
        if not self._rows:
            return None
        if self._rows < BATCH_ROWS and not at_once and self._clock.monotonic() - self._since < GATHER_S:
            return None
        return self._build()

    def _build(self) -> Batch:
        frames = batch.take(self._pending)
        self._rows -= sum(frame.header.count for frame in frames)
        self._since = self._clock.monotonic()
        return batch.build(frames)

    def due_s(self) -> float:
        """Seconds until the batch that gathers has waited long enough."""
        return max(0.0, self._since + GATHER_S - self._clock.monotonic()) if self._rows else GATHER_S

    # Latest quotes.

    def quotes_due(self) -> bool:
        """It is time to flush them."""
        return bool(self.quotes) and self._clock.monotonic() - self._flushed_at >= FLUSH_S

    def quotes_flushed(self) -> None:
        """The table of latest quotes is as far as the watermark."""
        self._flushed_at = self._clock.monotonic()
        if self.believed is not None:
            self.quotes_seq = self.believed[1]

    def committed(self, done: Batch) -> None:
        """PostgreSQL has it; tell the owner of the journal."""
        self.believed = (done.epoch, done.next_seq)
        self.fetcher.committed(unsigned(done.epoch), done.next_seq)
