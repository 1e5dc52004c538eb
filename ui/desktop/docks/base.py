"""What every dock has: a header with title and state, a page for "nothing here yet", a body that is never blanked."""

from __future__ import annotations

from PyQt5.QtCore import Qt
from PyQt5.QtGui import QPainter, QPaintEvent
from PyQt5.QtWidgets import QDockWidget, QHBoxLayout, QLabel, QStackedLayout, QToolButton, QVBoxLayout, QWidget

from ui.desktop.looks import Looks, paint_text, set_text
from ui.desktop.picture.health import Condition, Health
from ui.desktop.session import Session
from ui.desktop.theme import Tone

_TONES = {
    Condition.LIVE: Tone.DIM,
    Condition.EMPTY: Tone.DIM,
    Condition.LOADING: Tone.CAUTION,
    Condition.STALE: Tone.STALE,
    Condition.DISCONNECTED: Tone.WARN,
    Condition.ERROR: Tone.ALARM,
}
_WORDS = {
    Condition.LIVE: "● live",
    Condition.EMPTY: "",
    Condition.LOADING: "◌ loading",
    Condition.STALE: "◐ stale",
    Condition.DISCONNECTED: "✖ disconnected",
    Condition.ERROR: "✖ error",
}


class Header(QWidget):
    """Title bar of a dock; hatched while disconnected."""

    def __init__(self, dock: Dock, looks: Looks) -> None:
        super().__init__(dock)
        self._looks = looks
        self._hatched = False
        self.title = QLabel(dock.windowTitle())
        font = self.title.font()
        font.setBold(True)
        self.title.setFont(font)
        self.state = QLabel()
        self.state.setObjectName(f"{dock.objectName()}.state")
        self.state.setAccessibleName(f"State of {dock.windowTitle()}")
        row = QHBoxLayout(self)
        row.setContentsMargins(6, 2, 2, 2)
        row.setSpacing(8)
        row.addWidget(self.title)
        row.addWidget(self.state, 1)
        for text, name, act in (("◱", "Float", dock.toggle_floating), ("✕", "Close", dock.close)):
            button = QToolButton()
            button.setText(text)
            button.setAutoRaise(True)
            button.setAccessibleName(f"{name} {dock.windowTitle()}")
            button.setToolTip(button.accessibleName())
            button.clicked.connect(act)
            row.addWidget(button)

    def show_health(self, health: Health) -> None:
        """The state in words."""
        word = _WORDS[health.condition]
        text = f"{word} · {health.text}" if word and health.text else word or health.text
        set_text(self.state, text)
        self.state.setToolTip(text)
        paint_text(self.state, self._looks.colour(_TONES[health.condition]))
        hatched = health.condition >= Condition.DISCONNECTED
        if hatched != self._hatched:
            self._hatched = hatched
            self.update()

    def paintEvent(self, _event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.fillRect(self.rect(), self._looks.bg2)
        if self._hatched:
            painter.fillRect(self.rect(), self._looks.hatch)


class Dock(QDockWidget):
    """Subclass it: make `body`, call `finish(body)`; call `show_health` with every state change."""

    def __init__(self, name: str, title: str, session: Session, looks: Looks) -> None:
        super().__init__(title)
        self.setObjectName(name)
        self.setAccessibleName(title)
        self.session, self.looks = session, looks
        self.health = Health(Condition.LOADING)
        self.header = Header(self, looks)
        self.setTitleBarWidget(self.header)
        self._pages = QStackedLayout()
        self._page = QLabel()
        self._page.setObjectName(f"{name}.page")
        self._page.setAlignment(Qt.AlignCenter)
        self._page.setWordWrap(True)
        paint_text(self._page, looks.colour(Tone.DIM))

    def finish(self, body: QWidget, *above: QWidget) -> None:
        """Lay out: `above` always, below it the body or the page."""
        outer = QWidget()
        column = QVBoxLayout(outer)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        for widget in above:
            column.addWidget(widget)
        self._pages.addWidget(body)
        self._pages.addWidget(self._page)
        column.addLayout(self._pages, 1)
        self.setWidget(outer)

    def show_health(self, health: Health, rows: int = 1) -> None:
        """Header and page; the body stays as long as it has anything to show."""
        self.health = health
        self.header.show_health(health)
        self._pages.setCurrentIndex(0 if rows else 1)
        if not rows:
            set_text(self._page, health.text)

    @property
    def seen(self) -> bool:
        """It is on screen: hidden docks and minimised windows do not paint."""
        return self.isVisible() and not self.window().isMinimized()

    def toggle_floating(self) -> None:
        """Out of the window, or back."""
        self.setFloating(not self.isFloating())
