"""The files of a recording on disk: which there are, and their bytes."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from pipeline.errors import CannotStart
from pipeline.gateway.replay import layout, rows
from pipeline.gateway.replay.fields import Faults
from pipeline.gateway.replay.layout import Series, Source

BATCH_BYTES = 8 << 20  # text that is turned into columns at once
MEMBER_BYTES = 1 << 30  # a larger member is refused


@dataclass(frozen=True)
class Part:
    """Rows of one zip file, or of some of its members; `series` by the rows' `source`."""

    of: Source
    series: list[Series]
    rows: rows.Ticks | rows.Trades | rows.Quotes


class Folder:
    """One directory of recorded files; what it can't read is counted in `faults`."""

    def __init__(self, directory: Path) -> None:
        self.directory, self.faults = directory, Faults()
        self._told: set[str] = set()  # members whose faults are counted
        found = (layout.source(path.relative_to(directory).as_posix()) for path in sorted(directory.rglob("*.zip")))
        self.sources = [source for source in found if source is not None]

    def days(self) -> list[date]:
        return sorted({source.day for source in self.sources})

    def of_day(self, day: date) -> list[Source]:
        return [source for source in self.sources if source.day == day]

    def series(self, of: Source) -> list[Series]:
        """The contracts in a zip, by the names of its members alone."""
        with self._open(of) as archive:
            return [found for _, found in self._members(of, archive)]

    def parts(self, of: Source) -> Iterator[Part]:
        """All rows of a zip file, some megabytes at a time."""
        with self._open(of) as archive:
            batch: list[tuple[str, bytes]] = []
            series: list[Series] = []
            for info, found in self._members(of, archive):
                batch.append((f"{of.path}!{info.filename}", self._bytes(of, archive, info)))
                series.append(found)
                if sum(len(text) for _, text in batch) >= BATCH_BYTES:
                    yield self._part(of, series, batch)
                    batch, series = [], []
            if batch:
                yield self._part(of, series, batch)

    def member(self, of: Source, series: Series) -> rows.Ticks | rows.Trades | rows.Quotes | None:
        """The rows of one contract; None where the file has none of it."""
        with self._open(of) as archive:
            for info, found in self._members(of, archive):
                if found == series:
                    text = (f"{of.path}!{info.filename}", self._bytes(of, archive, info))
                    return self._part(of, [series], [text]).rows
        return None

    def _part(self, of: Source, series: list[Series], batch: list[tuple[str, bytes]]) -> Part:
        read = rows.ticks if of.bar_s == 0 else rows.quotes if of.what == "quote" else rows.trades
        names = {name for name, _ in batch}
        faults = Faults() if names <= self._told else self.faults  # each row is a fault once, however often it is read
        self._told |= names
        return Part(of, series, read(of, batch, faults))

    def _open(self, of: Source) -> zipfile.ZipFile:
        path = self.directory / of.path
        try:
            return zipfile.ZipFile(path)
        except (OSError, zipfile.BadZipFile) as error:
            raise CannotStart(f"{path}: expected a zip file, found: {error}") from error

    def _members(self, of: Source, archive: zipfile.ZipFile) -> list[tuple[zipfile.ZipInfo, Series]]:
        found = []
        for info in archive.infolist():
            series = layout.series(of, info.filename)
            if series is None:
                self.faults.add(f"{of.path}!{info.filename}: expected a contract in the name")
            elif info.file_size > MEMBER_BYTES:
                self.faults.add(f"{of.path}!{info.filename}: expected at most {MEMBER_BYTES} bytes")
            else:
                found.append((info, series))
        return found

    def _bytes(self, of: Source, archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> bytes:
        try:
            return archive.read(info)
        except (zipfile.BadZipFile, OSError, NotImplementedError, RuntimeError) as error:
            self.faults.add(f"{of.path}!{info.filename}: expected a member that can be read, found: {error}")
            return b""
