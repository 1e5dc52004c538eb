"""The status bar: every hop's health, left to right as the data flows; each opens the pipeline dock."""

from __future__ import annotations

from collections.abc import Callable

from PyQt5.QtWidgets import QStatusBar, QToolButton

from pipeline.messages import STALE_AFTER_S, TickFlag
from ui.desktop import hops
from ui.desktop.frame_clock import FrameClock
from ui.desktop.looks import Looks, paint_text
from ui.desktop.session import Session
from ui.desktop.stream import SOURCES, FrameQueue

NAMES = ("tws", "data", "margin", "writer", "drops", "ui", "time")
TITLES = ("TWS connection", "Market data", "Margin latency", "Writer", "Drops", "Window", "Market time")


class HopBar(QStatusBar):
    """`refresh` twice a second."""

    def __init__(
        self, session: Session, looks: Looks, frames: FrameClock, queue: FrameQueue, on_click: Callable[[], None]
    ) -> None:
        super().__init__()
        self.setSizeGripEnabled(False)
        self.session, self.looks, self.frames, self.queue = session, looks, frames, queue
        self.buttons: dict[str, QToolButton] = {}
        for name, title in zip(NAMES, TITLES, strict=True):
            button = QToolButton()
            button.setObjectName(f"status.{name}")
            button.setAccessibleName(title)
            button.setAutoRaise(True)
            button.setFont(looks.figure_font)
            button.clicked.connect(lambda _checked=False: on_click())
            self.buttons[name] = button
            if name == "time":
                self.addPermanentWidget(button)
            else:
                self.addWidget(button)

    def refresh(self, _changed: set[str]) -> None:
        """All hops."""
        session, picture = self.session, self.session.picture
        market, state = session.of_market(), picture.tws.get("ingest")
        links = [session.link(name) for name in SOURCES]
        age_s = (session.clock.now_ns() - picture.system_ns) / 1e9
        shown = (
            hops.tws(state, market),
            hops.data(state, market, self._kind()),
            hops.margin(picture.margin_latency_ms, session.of_process("margin")),
            hops.writer(picture.system, age_s < STALE_AFTER_S["process"]),
            hops.drops(sum(k.gaps for k in links), sum(k.bad for k in links) + picture.bad, self.queue.dropped),
            hops.window(self.frames.frames_per_s, self.frames.lag_p99_ms, self.frames.lags),
            hops.market_time(session.market_time_ns(), state.market_rate if state else 1.0, market),
        )
        for name, hop in zip(NAMES, shown, strict=True):
            button = self.buttons[name]
            if button.text() != hop.text:
                button.setText(hop.text)
            button.setToolTip(hop.tip)
            paint_text(button, self.looks.colour(hop.tone))

    def _kind(self) -> str:
        quotes = self.session.picture.quotes
        held = quotes.flags[: len(quotes.slots)]
        if len(held) and bool((held & int(TickFlag.FROZEN)).all()):
            return "FROZEN"
        return "DELAYED" if len(held) and bool((held & int(TickFlag.DELAYED)).any()) else "LIVE"
