"""The journal of one stream: frames are appended before they are published, and synced a few ms later.

One directory, one owning process. The owner's thread appends (one write into a preallocated segment); a second thread
syncs in groups; a third makes the next segment ahead and seals full ones. What recovery does stands in `recovery.py`.
"""

from __future__ import annotations

import contextlib
import os
import threading
from pathlib import Path

from pipeline.bus import disk, framing, recovery, segment
from pipeline.bus.answer import Answer, answer
from pipeline.bus.segment import HEAD_BYTES, Segment
from pipeline.clock import Clock
from pipeline.errors import CannotStart, JournalError, JournalFull
from pipeline.messages import Frame, Gap, PayloadKind, StreamId

RESERVE = 8  # the last 1/8 of the last segment that can be had is kept for maps (orders, fills, audit)
MAP_ROOM = 4096
RETRY_S = 0.5  # between two tries to get room on a full disk


class Journal:
    """JournalError after a failed write or sync, for ever: the process must end, the next one recovers by reading."""

    def __init__(
        self,
        directory: Path,
        stream: StreamId,
        *,
        segment_bytes: int,
        sync_ms: float,
        max_bytes: int,
        clock: Clock,
    ) -> None:
        self.directory = directory
        self.stream = stream
        self.damage: Gap | None = None  # what recovery found; the stream publishes it as its first message
        self.full = ""  # why there is no room for more; empty: there is
        self.failed = ""
        self._segment_bytes = segment_bytes
        self._sync_s = sync_ms / 1e3
        self._max_bytes = max_bytes
        self._clock = clock
        self._lock = threading.Lock()  # state
        self._sync_lock = threading.Lock()  # one sync at a time; taken before _lock
        self._dirty = threading.Event()
        self._work = threading.Event()  # for the room thread
        self._closing = threading.Event()
        self._unsynced: list[tuple[int, Segment]] = []  # full segments whose last bytes are not synced yet
        self._unsealed: list[Segment] = []
        self._spare: tuple[Path, int, int] | None = None  # path, ordinal, size of the segment made ahead
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        lock = disk.lock(directory / "lock")
        if lock is None:
            raise CannotStart(f"{directory}: another process owns this journal; stop it first")
        self._lock_descriptor = lock
        try:
            self._open(recovery.recover(directory, stream))
        except BaseException:
            os.close(lock)
            raise
        self._threads = [
            threading.Thread(target=self._sync_loop, name=f"sync-{stream.name}", daemon=True),
            threading.Thread(target=self._room_loop, name=f"room-{stream.name}", daemon=True),
        ]
        for thread in self._threads:
            thread.start()
        self._work.set()

    def _open(self, found: recovery.Found) -> None:
        self._segments = found.segments
        self._next_ordinal = found.next_ordinal
        self.last_ns = max((seg.last_ns for seg in found.segments), default=0)  # of the last frame; 0: none
        tail = found.tail
        goes_on = tail is not None and not found.fault
        self.epoch = tail.epoch if goes_on and tail else recovery.new_epoch(found.segments)
        self.next_seq = self.durable_seq = found.next_seq
        if found.spare is not None:
            self._spare = (found.spare, self._next_ordinal - 1, found.spare.stat().st_size)
        if goes_on and tail is not None and not tail.sealed:
            self._descriptor = os.open(tail.path, os.O_RDWR | disk.O_BINARY)
            disk.sync(self._descriptor)
            self._active = tail
        else:
            self._begin_segment(self._segment_bytes)
        if found.fault:
            self.damage = Gap(
                process=self.stream.name.lower(),
                from_ns=self.last_ns,
                to_ns=self._clock.now_ns(),
                reason=f"the journal was damaged, a new epoch begins: {found.fault}",
                from_seq=tail.next_seq if tail else 0,
                to_seq=self.next_seq,
            )
        self._unsealed = [seg for seg in self._segments[:-1] if not seg.sealed and seg.clean]
        mark = self.directory / recovery.MARK_FILE
        self._mark = os.open(mark, os.O_RDWR | os.O_CREAT | disk.O_BINARY, 0o600)
        disk.write_at(self._mark, recovery.pack_mark(self.epoch, self.durable_seq), 0)
        disk.sync_directory(self.directory)

    def _begin_segment(self, size: int) -> None:
        """Make the spare one the active one, or make one now. JournalFull where the disk has no room."""
        if self._spare is None or self._spare[2] < size:
            self._spare = self._make(max(size, self._segment_bytes))
        path, ordinal, size = self._spare
        descriptor = os.open(path, os.O_RDWR | disk.O_BINARY)
        disk.write_at(descriptor, segment.pack_head(self.stream, self.epoch, self.next_seq, ordinal, size), 0)
        self._spare = None
        self._descriptor = descriptor
        self._active = Segment(path, ordinal, size, self.epoch, self.next_seq, self.next_seq)
        self._segments.append(self._active)

    def _make(self, size: int) -> tuple[Path, int, int]:
        """A new segment made now; JournalFull where the disk has no room."""
        ordinal = self._spare[1] if self._spare else self._next_ordinal  # in place of one too small for a large frame
        path = segment.path_of(self.directory, ordinal)
        try:
            segment.create(path, size, path.with_suffix(".new"))
        except OSError as error:
            if error.errno not in disk.FULL:
                raise
            text = f"{self.directory}: no room for a segment of {size} bytes: {error.strerror}"
            raise JournalFull(text) from error
        self._next_ordinal = max(self._next_ordinal, ordinal + 1)
        return path, ordinal, size

    # Writing.

    @property
    def first_seq(self) -> int:
        """Of the oldest record that is still here."""
        return self._segments[0].first_seq

    @property
    def empty(self) -> bool:
        """Nothing is kept here."""
        return all(seg.entries == 0 for seg in self._segments)

    @property
    def held_bytes(self) -> int:
        """Disk taken by all segments."""
        return sum(seg.size for seg in self._segments) + (self._spare[2] if self._spare else 0)

    def append(self, frame: Frame, sync: bool = False) -> None:
        """Write one frame; with `sync` return when it is durable.

        JournalFull: there is no room for it (ticks give way before maps do). JournalError: the disk failed.
        """
        header = frame.header
        assert (header.stream, header.epoch) == (self.stream, self.epoch), f"not a frame of this journal: {header}"
        records = header.kind is PayloadKind.RECORDS
        self.append_entry(framing.encode_frame(frame), records, header.seq, header.count, header.publish_ns)
        if sync:
            self.sync()

    def append_entry(self, data: bytes, records: bool, seq: int, count: int, publish_ns: int) -> None:
        """The same for one entry (see `framing`) of this stream and epoch; `records` may be refused first."""
        with self._lock:
            if self.failed:
                raise JournalError(self.failed)
            active = self._active
            if seq != self.next_seq:
                raise JournalError(f"{self.directory}: expected seq {self.next_seq}, found {seq}")
            stop = active.end + len(data)
            if stop > active.size or self.full:
                self._make_room(len(data), records)
                active = self._active
                stop = active.end + len(data)
            try:
                disk.write_at(self._descriptor, data, active.end)
            except OSError as error:
                self._on_write_error(error, len(data))
            active.note(seq, count, publish_ns, data[:4], active.end, stop)
            self.next_seq = seq + count
            self.last_ns = publish_ns
        if not self._dirty.is_set():
            self._dirty.set()

    def _on_write_error(self, error: OSError, size: int) -> None:
        if error.errno in disk.FULL:  # a disk that does not keep what it promised: take back what was half written
            with contextlib.suppress(OSError):
                disk.write_at(self._descriptor, bytes(size), self._active.end)
            self.full = f"{self._active.path}: {error.strerror}"
            self._work.set()
            raise JournalFull(self.full) from error
        self.failed = f"{self._active.path}: write failed: {error}"
        raise JournalError(self.failed) from error

    def _make_room(self, size: int, records: bool) -> None:
        left = self._active.size - self._active.end - size
        if left < 0:
            capped = self._spare is None and self._capped()
            if records and (capped or (self.full and self._spare is None)):
                raise JournalFull(self.full or self._note_cap())
            self._roll(size)
        elif records and self.full and self._spare is None and left < self._active.size // RESERVE:
            raise JournalFull(self.full)

    def _roll(self, size: int) -> None:
        """Go on in the next segment; the full one is synced and sealed by the other threads."""
        old, descriptor = self._active, self._descriptor
        try:
            self._begin_segment(size + HEAD_BYTES)
        except JournalFull as error:
            self.full = str(error)
            self._work.set()
            raise
        self._unsynced.append((descriptor, old))
        self._dirty.set()
        self._work.set()

    def _capped(self) -> bool:
        return self.held_bytes + self._segment_bytes > self._max_bytes

    def _note_cap(self) -> str:
        self.full = (
            f"{self.directory}: {self.held_bytes} bytes wait for PostgreSQL, the most allowed are {self._max_bytes}"
        )
        return self.full

    def begin_epoch(self) -> None:
        """Close the epoch and go on in a new one, in a new segment, with the next seq."""
        with self._sync_lock, self._lock:
            old, descriptor = self._active, self._descriptor
            before = self.epoch
            self.epoch = recovery.new_epoch(self._segments)
            try:
                self._begin_segment(self._segment_bytes)
            except JournalFull:
                self.epoch = before
                raise
            self._unsynced.append((descriptor, old))
        self._dirty.set()

    @property
    def full_for_maps(self) -> bool:
        """Not even a map finds room now. The cap is for ticks: maps go on past it."""
        left = self._active.size - self._active.end
        return bool(self.full) and self._spare is None and left < MAP_ROOM and not self._capped()

    # Syncing.

    def sync(self) -> None:
        """Everything appended before is durable when this returns; JournalError if the disk failed."""
        target = self.next_seq
        with self._sync_lock:
            if self.failed:
                raise JournalError(self.failed)
            if self.durable_seq >= target and not self._unsynced:
                return
            self._sync_locked()

    def _sync_locked(self) -> None:
        with self._lock:
            target, epoch = self.next_seq, self.epoch
            full, self._unsynced = self._unsynced, []
            descriptor = self._descriptor
        try:
            for old, _ in full:
                disk.sync(old)
            disk.sync(descriptor)
        except OSError as error:  # the kernel may have dropped the pages: nothing here may be trusted any more
            self.failed = f"{self.directory}: sync failed: {error}"
            raise JournalError(self.failed) from error
        self.durable_seq = target
        with contextlib.suppress(OSError):  # a lower bound for the next start; the frames are what counts
            disk.write_at(self._mark, recovery.pack_mark(epoch, target), 0)
        for old, seg in full:
            os.close(old)
            with self._lock:
                self._unsealed.append(seg)
        if full:
            self._work.set()

    def _sync_loop(self) -> None:
        while not self._closing.is_set():
            self._dirty.wait()
            self._closing.wait(self._sync_s)  # what comes meanwhile is in the same group
            self._dirty.clear()
            try:
                self.sync()
            except JournalError:
                return  # the owner meets it at its next append

    def _room_loop(self) -> None:
        while not self._closing.is_set():
            self._work.wait(RETRY_S if self.full else None)
            self._work.clear()
            if self._closing.is_set() or self.failed:
                return
            try:
                self._make_ahead()
                self._seal_full_ones()
            except OSError as error:
                if error.errno not in disk.FULL:
                    self.failed = f"{self.directory}: {error}"

    def _seal_full_ones(self) -> None:
        """A seal that finds no room is tried again later; without one the segment is read in full at the next start."""
        while True:
            with self._lock:
                if not self._unsealed:
                    return
                seg = self._unsealed[0]
            segment.seal(seg)
            with self._lock:
                if seg in self._unsealed:
                    self._unsealed.remove(seg)
                else:  # removed meanwhile
                    seg.path.with_suffix(segment.SEAL_SUFFIX).unlink(missing_ok=True)
            disk.sync_directory(self.directory)

    def _make_ahead(self) -> None:
        with self._lock:
            if self._spare is not None:
                self.full = ""
                return
            if self._capped():
                self._note_cap()
                return
            ordinal = self._next_ordinal
        self._allocate_ahead(ordinal)

    def _allocate_ahead(self, ordinal: int) -> None:
        """The slow part without any lock; the result counts only if the owner has not made one meanwhile."""
        ahead = self.directory / f"{ordinal:012d}.ahead.new"
        try:
            segment.allocate(ahead, self._segment_bytes)
        except OSError as error:
            if error.errno not in disk.FULL:
                raise
            self.full = f"{self.directory}: no room for the next segment: {error.strerror}"
            return
        with self._lock:
            if self._spare is not None or self._next_ordinal != ordinal:
                ahead.unlink()
                return
            path = segment.path_of(self.directory, ordinal)
            os.replace(ahead, path)
            self._next_ordinal = ordinal + 1
            self._spare = (path, ordinal, self._segment_bytes)
            self.full = ""
        disk.sync_directory(self.directory)

    def trim(self, epoch: int, committed_seq: int, keep_bytes: int) -> None:
        """Remove the oldest segments while more than `keep_bytes` are held; only those committed to the last record."""
        with self._lock:
            busy = [seg for _, seg in self._unsynced]
            count = segment.removable(self._segments, epoch, committed_seq, self.held_bytes - keep_bytes, busy)
            removed, self._segments = self._segments[:count], self._segments[count:]
            self._unsealed = [seg for seg in self._unsealed if seg not in removed]
        for seg in removed:  # the oldest first, so that a crash leaves no hole
            seg.path.with_suffix(segment.SEAL_SUFFIX).unlink(missing_ok=True)
            seg.path.unlink(missing_ok=True)
        if removed:
            self._work.set()

    # Reading.

    def answer(self, epoch: int, next_seq: int, max_bytes: int) -> Answer | None:
        """What the owner answers to a FETCH of this position now; None: it has nothing durable yet."""
        if epoch == self.epoch and next_seq > self.next_seq:
            with contextlib.suppress(JournalFull):
                self.begin_epoch()  # the asker has seqs that this journal has lost: none of them may be given again
        with self._lock:
            segments = list(self._segments)
        return answer(segments, self.epoch, epoch, next_seq, self.durable_seq, max_bytes)

    def frames(self, epoch: int, next_seq: int, max_bytes: int) -> list[Frame]:
        """Durable frames from a frame border on; [] where there are none or the position is unknown."""
        found = self.answer(epoch, next_seq, max_bytes)
        return framing.decode_all(found.data) if found is not None and found.verb == b"FRAMES" else []

    def close(self) -> None:
        """Sync and give the directory back."""
        if self._closing.is_set():
            return
        self._closing.set()
        self._dirty.set()
        self._work.set()
        for thread in self._threads:
            thread.join()
        if not self.failed:
            with self._sync_lock:
                self._sync_locked()
            with contextlib.suppress(OSError):  # no room for a seal: the next start reads the segment in full
                self._seal_full_ones()
        os.close(self._descriptor)
        os.close(self._mark)
        os.close(self._lock_descriptor)
