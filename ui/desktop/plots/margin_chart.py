"""Excess liquidity and maintenance over the last 15 minutes: pen width 1, y range at 1 Hz, reduced to pixel width."""

from __future__ import annotations

import numpy as np
import pyqtgraph as pg
from PyQt5.QtWidgets import QVBoxLayout, QWidget

from ui.desktop import format as fmt
from ui.desktop.looks import Looks
from ui.desktop.picture.accounts import CHART_S
from ui.desktop.picture.series import Ring, reduce, span
from ui.desktop.theme import Tone

TITLES = ("Excess liquidity ≈", "Maintenance margin ≈")


class MoneyAxis(pg.AxisItem):
    """Ticks with thousands commas."""

    def tickStrings(self, values: list[float], scale: float, spacing: float) -> list[str]:
        decimals = 0 if spacing >= 1 else 2
        return [fmt.number(value * scale, decimals) for value in values]


class MinuteAxis(pg.AxisItem):
    """Minutes before now."""

    def tickStrings(self, values: list[float], _scale: float, _spacing: float) -> list[str]:
        return ["now" if abs(value) < 1 else f"{fmt.number(value / 60.0)} min" for value in values]


class MarginChart(QWidget):
    """Two plots above one another on the same time axis."""

    def __init__(self, looks: Looks) -> None:
        super().__init__()
        self._looks = looks
        self.canvas = pg.GraphicsLayoutWidget()
        self.canvas.setBackground(looks.bg0)
        self.canvas.setAccessibleName("Excess liquidity and maintenance, last 15 minutes")
        self.canvas.setFrameShape(pg.GraphicsLayoutWidget.NoFrame)
        self.canvas.ci.layout.setContentsMargins(2, 4, 8, 2)
        self.canvas.ci.layout.setVerticalSpacing(2)
        self.plots = [self._plot(row) for row in range(2)]
        self.plots[1].setXLink(self.plots[0])
        tones = (Tone.ACCENT, Tone.MODEL)
        self.curves = [
            plot.plot(pen=pg.mkPen(looks.colour(tone), width=1), connect="finite")
            for plot, tone in zip(self.plots, tones, strict=True)
        ]
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.canvas)

    def _plot(self, row: int) -> pg.PlotItem:
        looks = self._looks
        axes = {"left": MoneyAxis("left"), "bottom": MinuteAxis("bottom")}
        plot = self.canvas.addPlot(row=row, col=0, axisItems=axes)
        for axis in axes.values():
            axis.setPen(looks.grid)
            axis.setTextPen(looks.colour(Tone.DIM))
            axis.setStyle(tickFont=looks.small_font, tickLength=4)
            axis.enableAutoSIPrefix(False)
        axes["left"].setWidth(round(looks.base_px * 5.5))
        axes["bottom"].setTickSpacing(300, 60)
        axes["bottom"].setStyle(showValues=row == 1)
        plot.setTitle(TITLES[row], color=looks.colour(Tone.DIM).name(), size="9pt", justify="left")
        plot.setMenuEnabled(False)
        plot.setMouseEnabled(False, False)
        plot.hideButtons()
        plot.showGrid(x=True, y=True, alpha=0.12)
        plot.setXRange(-CHART_S - 20, 25, padding=0.0)
        plot.disableAutoRange()
        return plot

    def draw(self, ring: Ring, now_s: float) -> None:
        """The last 15 minutes of one account, as they are now."""
        times, values = ring.since(now_s - CHART_S)
        width = max(int(self.plots[0].vb.width()), 100)
        for curve, row in zip(self.curves, values, strict=True):
            x, y = reduce(times - now_s, row, width)
            curve.setData(x, y)

    def rescale(self, ring: Ring, now_s: float) -> None:
        """Fit y to what is shown; once a second."""
        _times, values = ring.since(now_s - CHART_S)
        for plot, row in zip(self.plots, values, strict=True):
            limits = span(np.asarray(row))
            if limits is not None:
                plot.setYRange(*limits, padding=0.0)

    def set_old(self, old: bool) -> None:
        """Old lines are drawn in the colour of old data."""
        for curve, tone in zip(self.curves, (Tone.ACCENT, Tone.MODEL), strict=True):
            curve.setPen(pg.mkPen(self._looks.colour(Tone.STALE if old else tone), width=1))
