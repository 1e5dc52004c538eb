"""The processes of the run, as their last beats told."""

from __future__ import annotations

from collections.abc import Hashable
from enum import IntEnum

from pipeline.messages import STALE_AFTER_S, ProcessStatus, State, SystemStatus
from ui.desktop import format as fmt
from ui.desktop.models.cells import Cell, Column
from ui.desktop.models.rows import RowTable, Values
from ui.desktop.theme import Tone

_TONES = {
    State.READY: Tone.UP,
    State.STARTING: Tone.CAUTION,
    State.WAITING: Tone.CAUTION,
    State.BACKOFF: Tone.WARN,
    State.STOPPING: Tone.DIM,
    State.STOPPED: Tone.DIM,
    State.FAILED: Tone.ALARM,
}


class ProcessColumn(IntEnum):
    """Columns; symptoms first, causes after."""

    PROCESS = 0
    STATE = 1
    UP = 2
    RESTARTS = 3
    LAG = 4
    QUEUE = 5
    BEAT = 6
    CPU = 7
    MEMORY = 8
    SEQ = 9
    ERROR = 10


_P = ProcessColumn


class ProcessTable(RowTable):
    """Keys are process names, in the order of the supervisor."""

    kinds = ProcessColumn
    columns = (
        Column("Process", 7, figures=False),
        Column("State", 7, figures=False),
        Column("Up", 6),
        Column("Restarts", 5.5),
        Column("Loop lag", 6, about="Longest pass of the loop since the last beat"),
        Column("Queue", 6, about="Work that waits"),
        Column("Beat", 5, about="Since its last beat"),
        Column("CPU", 5),
        Column("RSS", 6),
        Column("Seq", 8, about="Last record of its stream"),
        Column("Last error", 20, figures=False),
    )

    def make(self, key: Hashable, column: int, values: Values) -> Cell:
        value = values[column]
        match column:
            case _P.STATE:
                return Cell(str(value), _TONES.get(value, Tone.FG))
            case _P.UP:
                return Cell(fmt.uptime(value))
            case _P.RESTARTS:
                return Cell(fmt.quantity(value), Tone.WARN if value else Tone.DIM)
            case _P.LAG:
                return Cell(fmt.milliseconds(value))
            case _P.BEAT:
                return Cell(fmt.age(value), Tone.WARN if value > STALE_AFTER_S["process"] else Tone.DIM)
            case _P.CPU:
                return Cell(f"{value:.0f} %")
            case _P.MEMORY:
                return Cell(fmt.size_bytes(value))
            case _P.QUEUE | _P.SEQ:
                return Cell(fmt.quantity(value))
            case _:
                return Cell(str(value))

    def tip(self, key: Hashable, column: int) -> str:
        return str(self.values[key][-1])


def process_rows(status: SystemStatus | None) -> dict[Hashable, Values]:
    """All processes."""
    return {process.process: _row(process) for process in status.processes} if status else {}


def _row(process: ProcessStatus) -> Values:
    detail = " · ".join(f"{name} {value}" for name, value in process.detail.items())
    return (
        process.process,
        process.state,
        process.up_s,
        float(process.restarts),
        process.loop_lag_ms,
        float(process.queue),
        process.beat_age_s,
        process.cpu_percent,
        float(process.rss_bytes),
        float(process.seq),
        process.last_error,
        f"pid {process.pid} · {detail}",
    )
