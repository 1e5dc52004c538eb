"""The main window: strip above, docks around, status bar below; menus, keys, frame and title of the mode."""

from __future__ import annotations

from collections.abc import Callable

from PyQt5.QtCore import QEvent, Qt, pyqtSignal
from PyQt5.QtGui import QCloseEvent, QKeySequence, QPainter, QPaintEvent, QPen
from PyQt5.QtWidgets import QAction, QLabel, QMainWindow, QMenu, QShortcut, QSizePolicy, QToolBar, QWidget

from pipeline.messages import CancelAll, DisableTrading, EnableTrading, Reply
from ui.desktop.commands import request_id
from ui.desktop.docks.base import Dock
from ui.desktop.docks.chart import ChartDock
from ui.desktop.docks.dialogs import EnableDialog, StopDialog
from ui.desktop.docks.margin import MarginDock
from ui.desktop.docks.orders import FillsDock, OrdersDock
from ui.desktop.docks.pipeline import LogDock, PipelineDock
from ui.desktop.docks.positions import PositionsDock
from ui.desktop.docks.status import HopBar
from ui.desktop.docks.strip import Strip
from ui.desktop.docks.ticket import TicketDock
from ui.desktop.docks.watchlist import WatchlistDock
from ui.desktop.frame_clock import FrameClock
from ui.desktop.layout import Layout
from ui.desktop.looks import Looks, paint_text
from ui.desktop.session import Session
from ui.desktop.stream import FrameQueue
from ui.desktop.theme import Tone

FRAME_PX = 3
STOP_CONFIRM_S = 2.0
SHORTCUTS = """Ctrl+L  symbol box of the watchlist
Ctrl+T  ticket from the selection
Alt+B / Alt+S  side in the ticket
Ctrl+Enter  ticket: review; again, at least 0.4 s later: send
Esc  leave the review; never sends, never cancels orders
Ctrl+M  margin dock
Ctrl+E  export the active table
Ctrl+Shift+T  enable / disable trading
Ctrl+Shift+K  STOP
F6 / Shift+F6  next / previous dock
Ctrl+/  this list"""


class Window(QMainWindow):
    """Docks by name in `docks`."""

    painted = pyqtSignal()
    closed = pyqtSignal()

    def __init__(
        self, session: Session, looks: Looks, frames: FrameClock, queue: FrameQueue, layout: Layout | None
    ) -> None:
        super().__init__()
        self.session, self.looks, self.frames, self._layout = session, looks, frames, layout
        self._was_painted = False
        self.setObjectName("desk")
        self.setDockOptions(QMainWindow.AllowTabbedDocks | QMainWindow.AllowNestedDocks)
        self.setContentsMargins(FRAME_PX, FRAME_PX, FRAME_PX, FRAME_PX)
        self.strip = Strip(session, looks, self.ask_stop)
        self._toolbar("strip.bar.area", "Account", self.strip)
        self.banner = QLabel()
        self.banner.setObjectName("banner")
        self.banner.setAccessibleName("Alarm")
        self.banner.setAlignment(Qt.AlignCenter)
        self.banner.setMargin(6)
        self.banner.setSizePolicy(QSizePolicy.Expanding, QSizePolicy.Fixed)
        paint_text(self.banner, looks.colour(Tone.CRITICAL), looks.critical.color())
        self._make_docks()
        self.status = HopBar(session, looks, frames, queue, self.show_pipeline)
        self.setStatusBar(self.status)
        self._menus()
        self._keys()
        self._pace()
        self.arrange()
        self.resize(1600, 1000)
        if layout is not None:
            layout.restore(self)
        session.account_changed.connect(lambda _name: self._retitle())
        self._retitle()

    def _toolbar(self, name: str, title: str, widget: QWidget) -> None:
        bar = QToolBar(title)
        bar.setObjectName(name)
        bar.setMovable(False)
        bar.setContextMenuPolicy(Qt.PreventContextMenu)
        bar.addWidget(widget)
        self.addToolBar(Qt.TopToolBarArea, bar)

    def _make_docks(self) -> None:
        session, looks = self.session, self.looks
        self.watchlist = WatchlistDock(session, looks)
        self.chart = ChartDock(session, looks)
        self.positions = PositionsDock(session, looks)
        self.orders = OrdersDock(session, looks)
        self.fills = FillsDock(session, looks)
        self.margin = MarginDock(session, looks)
        self.ticket = TicketDock(session, looks)
        self.pipeline = PipelineDock(session, looks)
        self.log = LogDock(session, looks)
        made = (
            self.watchlist, self.chart, self.positions, self.orders, self.fills,
            self.margin, self.ticket, self.pipeline, self.log,
        )  # fmt: skip
        self.docks: dict[str, Dock] = {dock.objectName(): dock for dock in made}

    def arrange(self) -> None:
        """Workspace Trade: watchlist · chart · positions and orders · margin · ticket."""
        for dock in self.docks.values():
            self.removeDockWidget(dock)
        self.setCentralWidget(None)
        left, right = Qt.LeftDockWidgetArea, Qt.RightDockWidgetArea
        self.addDockWidget(left, self.watchlist)
        self.splitDockWidget(self.watchlist, self.chart, Qt.Horizontal)
        self.addDockWidget(right, self.margin)
        self.splitDockWidget(self.watchlist, self.positions, Qt.Vertical)
        self._under_both(right)
        for dock in (self.orders, self.fills, self.pipeline, self.log):
            self.tabifyDockWidget(self.positions, dock)
        for dock in self.docks.values():
            dock.setFloating(False)
            dock.show()
        self.positions.raise_()
        self.resizeDocks([self.watchlist, self.chart, self.margin], [600, 480, 520], Qt.Horizontal)
        self.resizeDocks([self.watchlist, self.positions], [430, 470], Qt.Vertical)
        self.resizeDocks([self.margin, self.ticket], [560, 340], Qt.Vertical)

    def _under_both(self, right: Qt.DockWidgetArea) -> None:
        """Positions reach under watchlist and chart; the ticket stands under the margin panel."""
        for dock in (self.chart, self.positions):
            self.removeDockWidget(dock)
        bottom = Qt.BottomDockWidgetArea
        self.setCorner(Qt.BottomRightCorner, right)
        self.setCorner(Qt.BottomLeftCorner, bottom)
        self.addDockWidget(Qt.LeftDockWidgetArea, self.chart)
        self.splitDockWidget(self.watchlist, self.chart, Qt.Horizontal)
        self.addDockWidget(bottom, self.positions)
        self.splitDockWidget(self.margin, self.ticket, Qt.Vertical)

    def _pace(self) -> None:
        every = self.frames.every
        every(0.0, "watchlist", self.watchlist.frame)
        every(0.1, "chart", self.chart.draw, plot=True)
        every(0.1, "ticket", self.ticket.refresh)
        every(0.2, "strip", lambda _changed: self.strip.refresh())
        for dock in (self.positions, self.orders, self.fills, self.margin):
            every(0.2, dock.objectName(), dock.refresh)
        every(0.5, "watchlist state", self.watchlist.refresh)
        every(0.5, "status", self.status.refresh)
        every(1.0, "chart scale", self.chart.refresh)
        every(1.0, "pipeline", self.pipeline.refresh)
        every(1.0, "log", self.log.refresh)
        every(1.0, "sorting", self._second)

    def _second(self, _changed: set[str]) -> None:
        self.positions.second(set())
        self.watchlist.model.resort()
        self._retitle()

    def _retitle(self) -> None:
        mode = "PAPER" if self.session.paper() else "LIVE"
        title = f"Margindesk — {mode} — {self.session.account_name or 'no account yet'} — {self.session.settings.name}"
        if self.windowTitle() != title:
            self.setWindowTitle(title)
            self.update()

    # Menus and keys.

    def _menus(self) -> None:
        bar = self.menuBar()
        self._menu(bar.addMenu("&File"), [("Export table…", "Ctrl+E", self.export), ("Quit", "Ctrl+Q", self.close)])
        view = bar.addMenu("&View")
        for dock in self.docks.values():
            view.addAction(dock.toggleViewAction())
        self._menu(bar.addMenu("&Workspace"), [("Reset workspace", "", self.arrange)])
        self._menu(
            bar.addMenu("&Trade"),
            [
                ("Ticket from selection", "Ctrl+T", self.show_ticket),
                ("Enable / disable trading…", "Ctrl+Shift+T", self.ask_trading),
                ("Cancel selected order", "", self.orders.cancel_selected),
                ("STOP: cancel all…", "Ctrl+Shift+K", self.ask_stop),
            ],
        )
        self._menu(bar.addMenu("&Margin"), [("Margin panel", "Ctrl+M", self.show_margin)])
        self._menu(bar.addMenu("&Help"), [("Shortcuts", "Ctrl+/", self.show_shortcuts)])

    def _menu(self, menu: QMenu, entries: list[tuple[str, str, Callable[[], object]]]) -> None:
        for text, keys, act in entries:
            action = QAction(text, self)
            if keys:
                action.setShortcut(QKeySequence(keys))
                action.setAutoRepeat(False)
            action.triggered.connect(lambda _checked=False, act=act: act())
            menu.addAction(action)

    def _keys(self) -> None:
        for keys, act in (
            ("Ctrl+L", self.watchlist.focus_symbol),
            ("Ctrl+Return", self.ticket.act),
            ("Ctrl+Enter", self.ticket.act),
            ("Esc", self.ticket.back),
            ("Alt+B", lambda: self.ticket.set_side("BUY")),
            ("Alt+S", lambda: self.ticket.set_side("SELL")),
            ("F6", lambda: self._next_dock(1)),
            ("Shift+F6", lambda: self._next_dock(-1)),
        ):
            shortcut = QShortcut(QKeySequence(keys), self)
            shortcut.setAutoRepeat(False)
            shortcut.activated.connect(act)

    def _next_dock(self, step: int) -> None:
        shown = [dock for dock in self.docks.values() if dock.isVisible()]
        focus = self.focusWidget()
        here = next((i for i, dock in enumerate(shown) if focus is not None and dock.isAncestorOf(focus)), -1)
        if shown:
            dock = shown[(here + step) % len(shown)]
            dock.raise_()
            inner = dock.widget()
            target = inner.findChild(QWidget, f"{dock.objectName()}.table") or inner.nextInFocusChain()
            target.setFocus(Qt.ShortcutFocusReason)

    def show_pipeline(self) -> None:
        """A hop was pressed."""
        self.pipeline.show()
        self.pipeline.raise_()

    def show_margin(self) -> None:
        """Ctrl+M."""
        self.margin.show()
        self.margin.raise_()
        self.margin.tree.setFocus(Qt.ShortcutFocusReason)

    def show_ticket(self) -> None:
        """Ctrl+T."""
        self.ticket.show()
        self.ticket.raise_()
        self.ticket.pick(self.session.con_id)
        self.ticket.quantity.setFocus(Qt.ShortcutFocusReason)

    def show_shortcuts(self) -> None:
        """Ctrl+/."""
        from PyQt5.QtWidgets import QMessageBox

        box = QMessageBox(QMessageBox.Information, "Shortcuts", SHORTCUTS, QMessageBox.Ok, self)
        box.setFont(self.looks.figure_font)
        box.open()

    def export(self) -> None:
        """The active table as CSV, raw values."""
        from PyQt5.QtWidgets import QFileDialog

        from ui.desktop.views.table import Table

        focus = self.focusWidget()
        table = focus if isinstance(focus, Table) else self.positions.table
        path, _kind = QFileDialog.getSaveFileName(self, "Export", f"{table.objectName()}.csv", "CSV (*.csv)")
        if path:
            with open(path, "w", encoding="utf-8") as file:
                file.write(table.csv())

    # Trading on and off.

    def ask_trading(self) -> None:
        """Ctrl+Shift+T: a dialog to switch it on; off takes one act."""
        trading = self.session.picture.trading
        if trading is not None and trading.enabled:
            self.disable_trading()
            return
        dialog = EnableDialog(self.session.account_name, self)
        dialog.accepted.connect(lambda: self.enable_trading(self.session.account_name, dialog.hours.value()))
        dialog.open()

    def enable_trading(self, account: str, hours: float) -> None:
        """Ask the order process to arm one account; it decides."""
        command = EnableTrading(
            request_id=request_id(), actor=self.session.commands.actor, account=account, hours=hours
        )
        self.session.commands.send("orders", command, self._tell)

    def disable_trading(self) -> None:
        """Off."""
        command = DisableTrading(request_id=request_id(), actor=self.session.commands.actor)
        self.session.commands.send("orders", command, self._tell)

    def ask_stop(self) -> None:
        """Ctrl+Shift+K."""
        dialog = StopDialog(self)
        dialog.buttonClicked.connect(lambda button: self.stop_now() if button is dialog.stop_button else None)
        dialog.open()

    def stop_now(self) -> None:
        """Trading off first, then TWS's global cancel; what is not confirmed in two seconds is said loudly."""
        self.show_banner("")
        actor, send = self.session.commands.actor, self.session.commands.send
        send("orders", DisableTrading(request_id=request_id(), actor=actor), self._stop_answer, STOP_CONFIRM_S)
        send("orders", CancelAll(request_id=request_id(), actor=actor), self._stop_answer, STOP_CONFIRM_S)

    def _stop_answer(self, reply: Reply) -> None:
        if reply.ok:
            self._tell(reply)
        else:
            self.show_banner(f"STOP not confirmed: use TWS now  ({reply.text})")

    def _tell(self, reply: Reply) -> None:
        self.session.commands.log(reply.text)
        self.orders.tell(reply.text, Tone.DIM if reply.ok else Tone.WARN)
        self.ticket.note(reply.text, reply.ok)

    def show_banner(self, text: str) -> None:
        """Across the whole width; empty: gone."""
        self.banner.setText(text)
        if text and self.banner.parent() is None:
            self.addToolBarBreak(Qt.TopToolBarArea)
            self._toolbar("banner.area", "Alarm", self.banner)
        for bar in self.findChildren(QToolBar, "banner.area"):
            bar.setVisible(bool(text))

    # Qt's own names.

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        painter = QPainter(self)
        tone = Tone.ACCENT if self.session.paper() else Tone.WARN
        painter.setPen(QPen(self.looks.colour(tone), FRAME_PX))
        half = FRAME_PX // 2
        painter.drawRect(self.rect().adjusted(half, half, -half - 1, -half - 1))
        if not self._was_painted:
            self._was_painted = True
            self.painted.emit()

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.PaletteChange:
            self.update()

    def closeEvent(self, event: QCloseEvent) -> None:
        if self._layout is not None:
            self._layout.save(self)
        event.accept()
        self.closed.emit()
