"""How a replay begins: a directory of files or a journal, accounts with nothing but cash."""

from __future__ import annotations

from bisect import bisect_right
from datetime import date
from pathlib import Path

from pipeline import config
from pipeline.bus import segment
from pipeline.errors import CannotStart
from pipeline.gateway.broker.books import OPENINGS, Opening
from pipeline.gateway.broker.brokerage import Brokerage
from pipeline.gateway.replay.folder import Folder
from pipeline.gateway.replay.journal import JournalRecording
from pipeline.gateway.replay.market import Rate, Recorded
from pipeline.gateway.replay.recording import Files, Recording
from pipeline.gateway.replay.tape import RecordedTape

CASH = 1_000_000.0
RATES = "alternative/interest-rate/usa/interest-rate.csv"


def brokerage(settings: config.Gateway, day: date | None) -> Brokerage:
    """The broker over the recording in `settings.replay`, from `day` on; CannotStart if there is nothing to play."""
    directory = Path(settings.replay)
    recording = open_recording(directory)
    days = [found for found in recording.days if day is None or found >= day]
    if not days:
        wanted = f" of {day} or later" if recording.days else ""
        raise CannotStart(f"{directory}: expected recorded ticks or bars{wanted}, found none")
    market = Recorded(recording, recording.load(days[0]), settings.replay_speed, interest(directory / RATES))
    return Brokerage(market, RecordedTape(market), [_cash_only(row) for row in OPENINGS])


def open_recording(directory: Path) -> Recording:
    """A journal's directory if there are segments in it, else a folder of files."""
    if not directory.is_dir():
        raise CannotStart(f"{directory}: expected a directory of recorded data, found none")
    if segment.ordinals(directory):
        return JournalRecording(directory)
    return Files(Folder(directory))


def interest(path: Path) -> Rate:
    """Yearly interest by day from a table of dates and per cents, continuous; 0 before its first row or without it."""
    found: list[tuple[date, float]] = []
    for line in path.read_text(encoding="ascii").splitlines()[1:] if path.is_file() else []:
        day, _, percent = line.partition(",")
        try:
            found.append((date.fromisoformat(day), float(percent) / 100.0))
        except ValueError as error:
            raise CannotStart(f"{path}: expected a date and a number in {line!r}: {error}") from error
    found.sort()

    def rate(day: date) -> float:
        place = bisect_right(found, day, key=lambda row: row[0])
        return found[place - 1][1] if place else 0.0

    return rate


def _cash_only(row: Opening) -> Opening:
    return Opening(row.account, CASH, 0.0, 0.0, ())
