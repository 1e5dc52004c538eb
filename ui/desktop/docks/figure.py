"""Small widgets for single figures: a caption with a value, a badge, the cushion bar."""

from __future__ import annotations

import math

from PyQt5.QtCore import QRectF, QSize, Qt
from PyQt5.QtGui import QColor, QPainter, QPaintEvent, QPen
from PyQt5.QtWidgets import QLabel, QSizePolicy, QVBoxLayout, QWidget

from ui.desktop import format as fmt
from ui.desktop.looks import Looks, paint_text, set_text
from ui.desktop.theme import LEVEL_TONES, Tone

BAR_END = 0.30  # cushion at the right end of the bar


class Figure(QWidget):
    """A caption above a value; a bar may stand below."""

    def __init__(self, name: str, caption: str, looks: Looks, about: str = "", width_em: float = 9.0) -> None:
        super().__init__()
        self.setSizePolicy(QSizePolicy.Minimum, QSizePolicy.Fixed)
        self._looks = looks
        self.setMinimumWidth(round(width_em * looks.base_px))
        self.caption = QLabel(caption)
        self.caption.setFont(looks.small_font)
        self.caption.setToolTip(about)
        paint_text(self.caption, looks.colour(Tone.DIM))
        self.value = QLabel(fmt.DASH)
        self.value.setObjectName(name)
        self.value.setAccessibleName(caption)
        self.value.setFont(looks.big_font)
        column = QVBoxLayout(self)
        column.setContentsMargins(4, 2, 4, 2)
        column.setSpacing(0)
        column.addWidget(self.caption)
        column.addWidget(self.value)

    def show_value(self, text: str, tone: Tone = Tone.FG, old: bool = False, tip: str = "") -> None:
        """The text; old ones look old."""
        set_text(self.value, text)
        self.value.setToolTip(tip)
        self.value.setFont(self._looks.big_italic if old else self._looks.big_font)
        paint_text(self.value, self._looks.colour(Tone.STALE if old else tone))


class Badge(QLabel):
    """A word on a ground."""

    def __init__(self, name: str, text: str, ink: QColor, ground: QColor) -> None:
        super().__init__(text)
        self.setObjectName(name)
        self.setAccessibleName(text)
        self.setAlignment(Qt.AlignCenter)
        self.setContentsMargins(8, 3, 8, 3)
        font = self.font()
        font.setBold(True)
        self.setFont(font)
        self.setSizePolicy(QSizePolicy.Maximum, QSizePolicy.Maximum)
        paint_text(self, ink, ground)

    def recolour(self, ink: QColor, ground: QColor) -> None:
        """Another meaning."""
        paint_text(self, ink, ground)


class CushionBar(QWidget):
    """Cushion from 0 to 30 %, the caution limit marked; the word stands beside it, the colour confirms."""

    def __init__(self, name: str, looks: Looks, caution: float) -> None:
        super().__init__()
        self.setObjectName(name)
        self.setAccessibleName("Cushion")
        self.setSizePolicy(QSizePolicy.Expanding, QSizePolicy.Fixed)
        self._looks, self._caution = looks, caution
        self.cushion, self.level, self.old = math.nan, 0, False

    def show_cushion(self, cushion: float, level: int, old: bool) -> None:
        """Repaints when it differs by half a pixel or more."""
        moved = abs(cushion - self.cushion) * self.width() / BAR_END
        unknown = math.isnan(cushion) != math.isnan(self.cushion)
        if moved < 0.5 and not unknown and (level, old) == (self.level, self.old):
            return
        self.cushion, self.level, self.old = cushion, level, old
        self.update()
        self.setToolTip(f"cushion {fmt.percent(cushion, 2)}; the bar ends at {fmt.percent(BAR_END, 0)}")

    def sizeHint(self) -> QSize:
        return QSize(120, round(self._looks.base_px * 0.9))

    def minimumSizeHint(self) -> QSize:
        return QSize(50, round(self._looks.base_px * 0.9))

    def paintEvent(self, _event: QPaintEvent) -> None:
        painter, looks = QPainter(self), self._looks
        room = QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5)
        painter.fillRect(room, looks.bg0)
        if math.isfinite(self.cushion):
            share = min(max(self.cushion / BAR_END, 0.0), 1.0)
            tone = Tone.STALE if self.old else LEVEL_TONES[max(self.level, 0)]
            filled = QRectF(room.left(), room.top(), room.width() * share, room.height())
            painter.fillRect(filled, looks.colour(tone) if self.level < 4 else looks.critical.color())
        painter.setPen(QPen(looks.colour(Tone.CAUTION), 1))
        at = room.left() + room.width() * min(self._caution / BAR_END, 1.0)
        painter.drawLine(round(at), round(room.top()), round(at), round(room.bottom()))
        painter.setPen(QPen(looks.grid, 1))
        painter.drawRect(room)
