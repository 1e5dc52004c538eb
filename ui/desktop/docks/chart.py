"""The dock of the margin chart."""

from __future__ import annotations

from ui.desktop.docks.base import Dock
from ui.desktop.looks import Looks
from ui.desktop.picture import health
from ui.desktop.plots.margin_chart import MarginChart
from ui.desktop.session import Session


class ChartDock(Dock):
    """`draw` ten times a second, `refresh` once."""

    def __init__(self, session: Session, looks: Looks) -> None:
        super().__init__("chart", "Margin, last 15 minutes", session, looks)
        self.chart = MarginChart(looks)
        self._old = False
        self.finish(self.chart)

    def draw(self, _changed: set[str]) -> None:
        """Only what is seen is drawn."""
        account = self.session.account
        if account is not None and self.seen:
            self.chart.draw(account.ring, self.session.clock.now_ns() / 1e9)

    def refresh(self, _changed: set[str]) -> None:
        """State and y range."""
        account, state = self.session.account, self.session.of_margin()
        samples = len(account.ring) if account is not None else 0
        self.show_health(health.with_rows(state, samples, "No margin figure yet"), samples)
        if state.old != self._old:
            self._old = state.old
            self.chart.set_old(state.old)
        if account is not None and self.seen:
            self.chart.rescale(account.ring, self.session.clock.now_ns() / 1e9)
