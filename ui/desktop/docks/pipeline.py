"""The pipeline: each process with its symptoms, the farms and lines of TWS. And the log: what happened last."""

from __future__ import annotations

from PyQt5.QtGui import QTextCursor
from PyQt5.QtWidgets import QLabel, QPlainTextEdit

from pipeline.messages import STALE_AFTER_S, ClockJump, Difference, Gap, Message, ProcessEvent
from ui.desktop import format as fmt
from ui.desktop.docks.base import Dock
from ui.desktop.looks import Looks, paint_text, set_text
from ui.desktop.models.processes import ProcessTable, process_rows
from ui.desktop.picture.health import Condition, Health
from ui.desktop.session import Session
from ui.desktop.theme import Tone
from ui.desktop.views.table import Table

LOG_LINES = 2000


class PipelineDock(Dock):
    """`refresh` once a second."""

    def __init__(self, session: Session, looks: Looks) -> None:
        super().__init__("pipeline", "Pipeline", session, looks)
        self.model = ProcessTable(self)
        self.table = Table(self.model, looks, "pipeline.table", "Processes")
        self.facts = QLabel(fmt.DASH)
        self.facts.setObjectName("pipeline.facts")
        self.facts.setAccessibleName("Farms, lines, message rate")
        self.facts.setContentsMargins(6, 3, 6, 3)
        self.facts.setWordWrap(True)
        paint_text(self.facts, looks.colour(Tone.DIM))
        self.finish(self.table, self.facts)

    def refresh(self, _changed: set[str]) -> None:
        """Table and facts."""
        status, state = self.session.picture.system, self.session.of_process("supervisor")
        age_s = (self.session.clock.now_ns() - self.session.picture.system_ns) / 1e9
        if status is None and state.condition is Condition.LIVE:
            state = Health(Condition.LOADING, "waiting for the first status")
        elif status is not None and age_s > STALE_AFTER_S["process"]:
            text = f"no status {fmt.age(age_s)}: `run.py status` tells more"
            state = Health(max(state.condition, Condition.STALE), text)
        elif status is not None and state.condition is Condition.LIVE:
            state = Health(Condition.LIVE, f"{status.run} {status.state}, up {fmt.uptime(status.up_s)}")
        self.table.look()
        self.model.apply(process_rows(status))
        self.show_health(state, len(self.model.keys))
        self.model.set_old(state.old)
        set_text(self.facts, self._facts())

    def _facts(self) -> str:
        parts = []
        for client, tws in sorted(self.session.picture.tws.items()):
            farms = " ".join(f"{name} {how}" for name, how in sorted(tws.farms.items()))
            lines = f"lines {tws.lines_used}/{tws.lines_limit} · " if tws.lines_limit else ""
            parts.append(
                f"{client} {tws.state} {tws.address} · {lines}out {tws.messages_per_s:.0f}/s · "
                f"round trip {fmt.milliseconds(tws.round_trip_ms)} · unknown {tws.unknown_messages} · "
                f"bad {tws.bad_messages}{' · ' + farms if farms else ''}"
            )
        status = self.session.picture.system
        if status is not None and status.addresses:
            parts.append(" · ".join(f"{name} {address}" for name, address in sorted(status.addresses.items())))
        return "\n".join(parts) or fmt.DASH


class LogDock(Dock):
    """What the supervisor saw, gaps, and the commands of this desk with their answers."""

    def __init__(self, session: Session, looks: Looks) -> None:
        super().__init__("log", "Log", session, looks)
        self.lines = QPlainTextEdit()
        self.lines.setObjectName("log.lines")
        self.lines.setAccessibleName("Log")
        self.lines.setReadOnly(True)
        self.lines.setMaximumBlockCount(LOG_LINES)
        self.lines.setFont(looks.figure_font)
        self.lines.setFrameShape(QPlainTextEdit.NoFrame)
        self._seen: set[tuple[int, str]] = set()
        self.finish(self.lines)
        session.commands.log = self.write

    def write(self, text: str) -> None:
        """One line, now."""
        self.lines.appendPlainText(f"{fmt.clock_time(self.session.clock.now_ns())}  {text}")
        self.lines.moveCursor(QTextCursor.End)

    def refresh(self, changed: set[str]) -> None:
        """Events that came, each once."""
        self.show_health(self.session.of_process("supervisor"))
        if "events" not in changed:
            return
        for at_ns, message in self.session.picture.events:
            line = describe(message)
            if (at_ns, line) not in self._seen:
                self._seen.add((at_ns, line))
                self.lines.appendPlainText(f"{fmt.clock_time(at_ns)}  {line}")
        if len(self._seen) > LOG_LINES:
            self._seen = {(at_ns, describe(message)) for at_ns, message in self.session.picture.events}


def describe(message: Message) -> str:
    """An event in one line."""
    match message:
        case ProcessEvent():
            code = f" (exit {message.exit_code})" if message.exit_code is not None else ""
            return f"{message.process} {message.event}{code} {message.text}".rstrip()
        case Gap():
            lasted = fmt.age((message.to_ns - message.from_ns) / 1e9)
            return f"{message.process}: not recorded for {lasted}: {message.reason}"
        case ClockJump():
            return f"{message.process}: the wall clock moved by {message.moved_s:+.1f} s"
        case Difference():
            return f"{message.account} {message.words}"
        case _:
            return str(message)
