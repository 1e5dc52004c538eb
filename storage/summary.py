"""What a run left behind: journals compared with PostgreSQL, record by record. `python -m storage.summary STATE_DIR`.

Standard input is one JSON object, stream name → [epoch, next seq]: count only what stands behind these positions (an
empty object: everything). Standard output is one JSON object. It reads durable things alone, so it may run beside
anything; what the writer has not fetched yet counts as lost.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import psycopg
from numpy.typing import NDArray
from psycopg import sql

from pipeline import messages
from pipeline.bus.opening import OWNERS
from pipeline.bus.reading import read_frames_after
from pipeline.messages import MarketText, PayloadKind, ProcessEvent
from pipeline.runtime import Runtime
from storage import connection

TICK_TOPICS = (b"md.tick", b"md.option", MarketText.topic.encode())
TABLES = """
    select c.oid::regclass::text from pg_class c
    where c.relkind in ('r', 'p') and not c.relispartition
      and c.relnamespace not in ('pg_catalog'::regnamespace, 'information_schema'::regnamespace)
      and (select count(*) from pg_attribute a
           where a.attrelid = c.oid and a.attname in ('stream', 'epoch', 'seq') and not a.attisdropped) = 3
"""

Ranges = list[tuple[int, int]]
Seqs = NDArray[np.int64]


@dataclass
class Kept:
    """What a journal holds of one epoch: ranges of seq, and those of ticks among them."""

    all: Ranges = field(default_factory=list)
    ticks: Ranges = field(default_factory=list)


def main(state_dir: Path, positions: dict[str, list[int]]) -> dict[str, Any]:
    """The counts of this run."""
    runtime = Runtime(state_dir)
    kept, restarts = journaled(runtime, positions)
    lost = duplicated = published = recorded = 0
    with psycopg.connect(**connection.facts(runtime, "app_reader"), autocommit=True) as database:
        tables = [str(row[0]) for row in database.execute(TABLES)]
        for (stream, epoch), ranges in kept.items():
            expected, ticks = seqs(ranges.all), seqs(ranges.ticks)
            found = stored(database, tables, stream, epoch, ranges.all)
            distinct = np.unique(found)
            duplicated += len(found) - len(distinct)
            lost += int((~np.isin(expected, distinct, assume_unique=True)).sum())
            published += len(ticks)
            recorded += int(np.isin(ticks, distinct, assume_unique=True).sum())
    return {
        "ticks_published": published,
        "ticks_recorded": recorded,
        "lost": lost,
        "duplicated": duplicated,
        "restarts": restarts,
    }


def journaled(runtime: Runtime, positions: dict[str, list[int]]) -> tuple[dict[tuple[int, int], Kept], dict[str, int]]:
    """(stream, epoch) → what is durable behind the positions; and process → restarts."""
    kept: dict[tuple[int, int], Kept] = {}
    restarts: Counter[str] = Counter()
    for stream, name in OWNERS.items():
        epoch, next_seq = positions.get(stream.name, [0, 0])
        for frame in read_frames_after(runtime.journal_dir(name), epoch, next_seq):
            header = frame.header
            if header.count == 0:
                continue
            ranges = kept.setdefault((int(stream), header.epoch), Kept())
            # A gap map may cover many seqs that were never recorded; it is one record all the same.
            after = header.seq + 1 if header.kind is PayloadKind.MAP else frame.next_seq
            extend(ranges.all, header.seq, after)
            if frame.topic in TICK_TOPICS:
                extend(ranges.ticks, header.seq, frame.next_seq)
            elif frame.topic == ProcessEvent.topic.encode():
                event = messages.unpack(frame.payload)
                if isinstance(event, ProcessEvent) and event.event == "restart":
                    restarts[event.process] += 1
    return kept, dict(restarts)


def extend(ranges: Ranges, first: int, after: int) -> None:
    """Add seqs to rising ranges; neighbours become one."""
    if ranges and ranges[-1][1] == first:
        ranges[-1] = (ranges[-1][0], after)
    else:
        ranges.append((first, after))


def seqs(ranges: Ranges) -> Seqs:
    """Every seq of the ranges."""
    return np.concatenate([np.arange(first, after) for first, after in ranges]) if ranges else np.zeros(0, np.int64)


def stored(database: psycopg.Connection[Any], tables: list[str], stream: int, epoch: int, ranges: Ranges) -> Seqs:
    """The seq of every row in every table that has one, from the first to the last seq of the ranges."""
    found: list[Seqs] = []
    for table in tables:
        query = sql.SQL("select seq from {} where stream = %s and epoch = %s and seq >= %s and seq < %s").format(
            sql.SQL(table)  # a name that PostgreSQL itself has quoted
        )
        with database.cursor() as cursor:
            cursor.execute(query, (stream, signed(epoch), ranges[0][0], ranges[-1][1]))
            found.append(np.fromiter((row[0] for row in cursor), np.int64, count=cursor.rowcount))
    return np.concatenate(found) if found else np.zeros(0, np.int64)


def signed(epoch: int) -> int:
    """An epoch as PostgreSQL's bigint holds it: the same 64 bits."""
    return epoch - (1 << 64) if epoch >= 1 << 63 else epoch


if __name__ == "__main__":
    print(json.dumps(main(Path(sys.argv[1]), json.load(sys.stdin))))
