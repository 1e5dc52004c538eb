"""What a journal's owner answers to a FETCH: frames, the next epoch, or that the position is unknown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pipeline.bus import segment
from pipeline.bus.segment import Segment


@dataclass(frozen=True, slots=True)
class Answer:
    """FRAMES: entries from `first_seq` of `epoch`. NEXT, RESET: go on there; `data` says why in words (RESET)."""

    verb: bytes
    epoch: int
    first_seq: int
    data: bytes = b""


def answer(
    segments: Sequence[Segment], open_epoch: int, epoch: int, next_seq: int, durable_seq: int, max_bytes: int
) -> Answer | None:
    """`segments` in order. None where the position is the end of what is durable: the asker waits."""
    if epoch == 0:  # nothing read yet
        return Answer(b"NEXT", segments[0].epoch, segments[0].first_seq)
    own = [seg for seg in segments if seg.epoch == epoch]
    if not own:
        return _reset(segments[0], f"epoch {epoch} is not in the journal")
    for seg in own:
        if seg.first_seq <= next_seq < seg.next_seq:
            limit = min(durable_seq, seg.next_seq) if epoch == open_epoch else seg.next_seq
            if next_seq >= limit:
                return None
            found = _read(seg, next_seq, limit, max_bytes)
            return Answer(b"FRAMES", epoch, next_seq, found) if found else _past_damage(seg, next_seq, limit)
    return _at_a_border(segments, own, open_epoch, next_seq)


def _past_damage(seg: Segment, next_seq: int, limit: int) -> Answer:
    """Go on at the first point of the index that can be read, at the latest behind the segment."""
    text = f"segment {seg.ordinal} does not check at seq {next_seq}, or no frame begins there".encode()
    for seq, _ in seg.points:
        if next_seq < seq < limit and _read(seg, seq, limit, 1):
            return Answer(b"RESET", seg.epoch, seq, text)
    return Answer(b"RESET", seg.epoch, limit, text)


def _at_a_border(segments: Sequence[Segment], own: list[Segment], open_epoch: int, next_seq: int) -> Answer | None:
    """The position is in no segment of its epoch."""
    last = own[-1]
    later = [seg for seg in own if seg.first_seq > next_seq]
    if later:
        return _reset(later[0], f"seq {next_seq} is not in the journal any more, {later[0].first_seq} is the next")
    if last.epoch == open_epoch:
        return None
    after = _after(segments, last)
    assert after is not None, "a closed epoch is followed by another one"
    if next_seq == last.next_seq:
        return Answer(b"NEXT", after.epoch, after.first_seq)
    return _reset(after, f"epoch {last.epoch} ends at seq {last.next_seq}, asked was {next_seq}")


def _after(segments: Sequence[Segment], seg: Segment) -> Segment | None:
    place = next(i for i, other in enumerate(segments) if other is seg)
    return segments[place + 1] if place + 1 < len(segments) else None


def _reset(seg: Segment, text: str) -> Answer:
    return Answer(b"RESET", seg.epoch, seg.first_seq, text.encode())


def _read(seg: Segment, next_seq: int, durable_seq: int, max_bytes: int) -> bytes:
    """Whole entries from the one that begins with `next_seq`, durable ones only; at least one where there is one."""
    try:
        return _read_file(seg, next_seq, durable_seq, max_bytes)
    except OSError:  # removed by hand, or the disk can't read it: the same as damage
        return b""


def _read_file(seg: Segment, next_seq: int, durable_seq: int, max_bytes: int) -> bytes:
    parts: list[bytes | memoryview] = []
    size = 0
    from_buffer, start, stop = memoryview(b""), 0, 0
    for data, _, entry in segment.walk(seg.path, seg.offset_near(next_seq), seg.end):
        if entry.seq < next_seq and entry.seq + entry.count <= next_seq:
            continue
        if entry.epoch != seg.epoch or entry.seq + entry.count > durable_seq:
            break
        if not parts and start == stop and entry.seq != next_seq:
            break  # no frame begins there
        length = entry.stop - entry.start
        if size and size + length > max_bytes:
            break
        if data is not from_buffer:
            parts.append(from_buffer[start:stop])
            from_buffer, start = data, entry.start
        stop = entry.stop
        size += length
    parts.append(from_buffer[start:stop])
    return b"".join(parts)
