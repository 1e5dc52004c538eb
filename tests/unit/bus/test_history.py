"""One seed, one history: appends, restarts, damage, and a writer that reads and dies. Each is checked to the end."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pipeline.bus import framing, segment
from pipeline.bus.journal import Journal
from pipeline.messages import Frame

Opener = Callable[..., Journal]
Filler = Callable[..., list[Frame]]


class Writer:
    """What PostgreSQL would hold: content by (epoch, seq), and the watermark."""

    def __init__(self) -> None:
        self.rows: dict[tuple[int, int], bytes] = {}
        self.position = (0, 0)
        self.resets = 0

    def read(self, journal: Journal, answers: int) -> bool:
        """Take up to so many answers; True when there is nothing more."""
        for _ in range(answers):
            found = journal.answer(*self.position, 3000)
            if found is None:
                return True
            if found.verb == b"FRAMES":
                for frame in framing.decode_all(found.data):
                    assert (frame.header.epoch, frame.header.seq) == self.position
                    assert self.position not in self.rows, "doubled"
                    self.rows[self.position] = frame.payload
                    self.position = (frame.header.epoch, frame.next_seq)
                journal.trim(*self.position, keep_bytes=40_000)
            else:
                self.resets += found.verb == b"RESET"
                self.position = (found.epoch, found.first_seq)
        return False


def damage(directory: Path, rng: random.Random) -> None:
    """Somebody writes into, or cuts, the last segment that is in use."""
    used = [path for path in sorted(directory.glob("*.seg")) if any(path.read_bytes()[:64])]
    data = bytearray(used[-1].read_bytes())
    at = rng.randrange(64, len(data))
    match rng.choice(["cut", "zero", "flip", "garbage"]):
        case "cut":
            del data[at:]
        case "zero":
            data[at:] = bytes(len(data) - at)
        case "flip":
            data[at] ^= 1 << rng.randrange(8)
        case "garbage":
            data[at : at + 30] = rng.randbytes(len(data[at : at + 30]))
    used[-1].write_bytes(data)


def history(seed: int, open_journal: Opener, fill: Filler, directory: Path) -> None:
    rng = random.Random(seed)
    writer, written, hurt = Writer(), {}, False
    journal = open_journal(segment_bytes=8192)
    for _ in range(25):
        match rng.choice(["append", "append", "append", "read", "read", "restart", "damage"]):
            case "append":
                for frame in fill(journal, rng.randrange(1, 60), size=rng.randrange(0, 200)):
                    written[(frame.header.epoch, frame.header.seq)] = frame.payload
                journal.sync()
            case "read":
                writer.read(journal, rng.randrange(1, 6))
            case "restart":
                journal.close()
                journal = open_journal(segment_bytes=8192)
            case "damage":
                hurt = True
                journal.close()
                damage(directory, rng)
                journal = open_journal(segment_bytes=8192)
    last = fill(journal, 3)
    journal.sync()
    assert writer.read(journal, 10_000), "the writer never came to the end"
    assert writer.position == (journal.epoch, journal.next_seq)
    for frame in last:
        written[(frame.header.epoch, frame.header.seq)] = frame.payload
    assert writer.rows.items() <= written.items(), "a record that was never written"
    if not hurt:
        assert writer.rows == written
        assert writer.resets == 0
    for path in directory.glob("*.sum"):
        assert path.with_suffix(segment.SUFFIX).exists()
    journal.close()


@pytest.mark.parametrize("seed", range(12))
def test_every_history_ends_with_the_writer_at_the_end_and_nothing_doubled(
    seed: int, open_journal: Opener, fill: Filler, tmp_path: Path
) -> None:
    history(seed, open_journal, fill, tmp_path / "j")


@pytest.mark.long
@pytest.mark.timeout(1800)
def test_a_thousand_histories(open_journal: Opener, fill: Filler, tmp_path: Path, clock: Any) -> None:
    for seed in range(1000, 2000):
        directory = tmp_path / "j"
        history(seed, open_journal, fill, directory)
        for path in directory.iterdir():
            path.unlink()
