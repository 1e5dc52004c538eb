"""The account strip: always there. Model figures carry ≈ and move with the ticks; TWS's stand in the tooltips."""

from __future__ import annotations

import math
from collections.abc import Callable

from PyQt5.QtCore import Qt
from PyQt5.QtWidgets import QComboBox, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from pipeline.messages import STALE_AFTER_S
from ui.desktop import format as fmt
from ui.desktop.docks.figure import Badge, CushionBar, Figure
from ui.desktop.looks import Looks, paint_text, set_text
from ui.desktop.picture import levels
from ui.desktop.picture.accounts import Account
from ui.desktop.picture.health import Condition
from ui.desktop.session import Session
from ui.desktop.theme import LEVEL_ICONS, LEVEL_TONES, LEVEL_WORDS, Tone

BAR_PX = 5
# name, caption, field of the model, TWS's account key, about
FIGURES = (
    ("net", "NetLiq", "net_liquidation", "NetLiquidation", "Net liquidation: what is left when all is closed at mark"),
    ("excess", "EL", "excess_liquidity", "ExcessLiquidity", "Excess liquidity: below zero IB liquidates"),
    ("maint", "Maint", "maintenance_margin", "MaintMarginReq", "Maintenance margin: what must stay there to hold"),
    ("init", "Init", "initial_margin", "InitMarginReq", "Initial margin: what must be there to open"),
    ("power", "BuyPow", "buying_power", "BuyingPower", "Buying power, as IB computes it for this kind of account"),
)


class Strip(QWidget):
    """Account chooser, figures, level, badges, the button that ends all orders."""

    def __init__(self, session: Session, looks: Looks, on_stop: Callable[[], None]) -> None:
        super().__init__()
        self.setObjectName("strip")
        self.session, self.looks = session, looks
        self.figures: dict[str, Figure] = {}
        row = QHBoxLayout(self)
        row.setContentsMargins(6, 4, 6, 4)
        row.setSpacing(4)
        row.addWidget(self._chooser())
        self._add(row, "net", FIGURES[0][1], FIGURES[0][4])
        self._add(row, "pnl", "Day P&L", "Profit and loss today, as TWS tells it")
        self._add(row, "excess", FIGURES[1][1], FIGURES[1][4])
        row.addWidget(self._cushion())
        for name, caption, _field, _key, about in FIGURES[2:]:
            self._add(row, name, caption, about)
        row.addStretch(1)
        row.addWidget(self._right(on_stop))

    def _chooser(self) -> QWidget:
        box, column = QWidget(), QVBoxLayout()
        box.setLayout(column)
        column.setContentsMargins(0, 2, 8, 2)
        column.setSpacing(0)
        self.accounts = QComboBox()
        self.accounts.setObjectName("strip.account")
        self.accounts.setAccessibleName("Account")
        self.accounts.setMinimumWidth(round(10 * self.looks.base_px))
        self.accounts.setFont(self.looks.figure_bold)
        self.accounts.textActivated.connect(self.session.choose_account)
        self.state = QLabel("◌ loading")
        self.state.setObjectName("strip.state")
        self.state.setAccessibleName("State of the account figures")
        self.state.setFont(self.looks.small_font)
        column.addWidget(self.accounts)
        column.addWidget(self.state)
        return box

    def _add(self, row: QHBoxLayout, name: str, caption: str, about: str) -> None:
        figure = Figure(f"strip.{name}", caption, self.looks, about, 8.2)
        figure.layout().setContentsMargins(4, 2, 4, 2 + BAR_PX + 1)  # as high as the one with the bar
        self.figures[name] = figure
        row.addWidget(figure)

    def _cushion(self) -> QWidget:
        box = QWidget()
        box.setMinimumWidth(round(11.5 * self.looks.base_px))
        column = QVBoxLayout(box)
        column.setContentsMargins(4, 2, 4, 2)
        column.setSpacing(1)
        figure = Figure("strip.cushion", "Cushion", self.looks, "Excess liquidity / net liquidation (TWS's formula)")
        self.figures["cushion"] = figure
        figure.layout().setContentsMargins(0, 0, 0, 0)
        self.bar = CushionBar("strip.bar", self.looks, self.session.settings.margin.caution_cushion)
        self.bar.setFixedHeight(BAR_PX)
        column.addWidget(figure)
        column.addWidget(self.bar)
        return box

    def _right(self, on_stop: Callable[[], None]) -> QWidget:
        looks = self.looks
        box = QWidget()
        row = QHBoxLayout(box)
        row.setContentsMargins(0, 0, 0, 0)
        self.level = Badge("strip.level", "—", looks.colour(Tone.DIM), looks.bg2)
        self.mode = Badge("strip.mode", "PAPER", looks.bg1, looks.colour(Tone.ACCENT))
        self.trading = Badge("strip.trading", "READ-ONLY", looks.colour(Tone.FG), looks.bg2)
        self.stop = QPushButton("STOP  Ctrl+Shift+K")
        self.stop.setObjectName("strip.stop")
        self.stop.setAccessibleName("Stop: trading off and cancel all orders")
        self.stop.setToolTip("Switches trading off and cancels all orders, those made in TWS too; asks first")
        self.stop.setFocusPolicy(Qt.TabFocus)
        self.stop.clicked.connect(on_stop)
        self.stop.setStyleSheet(looks.filled_button(looks.tokens.critical, looks.tokens.critical_text))
        for widget in (self.level, self.mode, self.trading, self.stop):
            row.addWidget(widget)
        return box

    def refresh(self) -> None:
        """Five times a second."""
        self._list_accounts()
        account = self.session.account
        margin, market = self.session.of_margin(), self.session.of_market()
        worst = max(margin, market, key=lambda health: health.condition)
        set_text(self.state, {0: "● live"}.get(worst.condition, worst.text) or worst.condition.name.lower())
        self.state.setToolTip(worst.text)
        tone = Tone.DIM if worst.condition is Condition.LIVE else Tone.STALE if worst.old else Tone.CAUTION
        paint_text(self.state, self.looks.colour(tone))
        self._badges()
        if account is not None:
            for name, _caption, field, key, about in FIGURES:
                self._show(name, account, field, key, about, margin.old)
            self._show_pnl(account, market.old)
            self._show_cushion(account, margin.old)

    def _list_accounts(self) -> None:
        names = sorted(self.session.picture.accounts)
        shown = [self.accounts.itemText(i) for i in range(self.accounts.count())]
        if names != shown:
            self.accounts.clear()
            self.accounts.addItems(names)
        if self.accounts.currentText() != self.session.account_name:
            self.accounts.setCurrentText(self.session.account_name)

    def _show(self, name: str, account: Account, field: str, key: str, about: str, old: bool) -> None:
        theirs, tip = account.number(key), [about]
        ours = account.model[field] if account.model is not None else math.nan
        age_s = (self.session.clock.now_ns() - account.told_ns) / 1e9
        if math.isfinite(ours):
            assert account.model is not None
            as_of = fmt.date_time(account.model.publish_ns)
            tip.append(f"model ≈ {fmt.full(ours)} {account.base_currency} · as of {as_of}")
        if math.isfinite(theirs):
            tip.append(f"TWS {fmt.full(theirs)} · {fmt.age(age_s)} old")
        text, dated = fmt.whole(ours), old or account.model_generation != self.session.generation("margin")
        tone = Tone.ALARM if field == "excess_liquidity" and ours <= 0 else Tone.FG
        if math.isfinite(ours):
            self.figures[name].show_value(fmt.model(text), tone, dated, "\n".join(tip))
        else:
            self.figures[name].show_value(fmt.whole(theirs), tone, age_s > STALE_AFTER_S["tws_account"], "\n".join(tip))

    def _show_pnl(self, account: Account, old: bool) -> None:
        daily = account.pnl.daily if account.pnl is not None else math.nan
        if math.isnan(daily) and account.model is not None:
            daily = account.model["daily_pnl"]
        tone = Tone.UP if daily > 0 else Tone.DOWN if daily < 0 else Tone.FG
        tip = f"{fmt.full(daily)} {account.base_currency} · TWS"
        self.figures["pnl"].show_value(fmt.arrow(daily, fmt.whole(daily, signed=True)), tone, old, tip)

    def _show_cushion(self, account: Account, old: bool) -> None:
        model, limits = account.model, self.session.settings.margin
        net, excess = account.number("NetLiquidation"), account.number("ExcessLiquidity")
        by_tws = levels.level(net, excess, account.number("MaintMarginReq"), limits)
        level = max(int(model["level"]) if model is not None else -1, by_tws)
        cushion = model["cushion"] if model is not None else excess / net if net > 0 else math.nan
        tone = LEVEL_TONES[max(level, 0)] if level > 0 else Tone.FG
        tip = f"{fmt.full(cushion)} · caution at {fmt.percent(limits.caution_cushion)}"
        text = fmt.percent(cushion)
        self.figures["cushion"].show_value(fmt.model(text) if model is not None else text, tone, old, tip)
        self.bar.show_cushion(cushion, level, old)
        if level < 0:
            set_text(self.level, fmt.DASH)
            self.level.recolour(self.looks.colour(Tone.DIM), self.looks.bg2)
        else:
            set_text(self.level, f"{LEVEL_ICONS[level]} {LEVEL_WORDS[level]}")
            critical = level == levels.CRITICAL
            ink = self.looks.colour(Tone.CRITICAL if critical else Tone.STALE if old else LEVEL_TONES[level])
            self.level.recolour(ink, self.looks.critical.color() if critical else self.looks.bg2)

    def _badges(self) -> None:
        paper = self.session.paper()
        set_text(self.mode, "PAPER" if paper else "LIVE")
        self.mode.recolour(self.looks.bg1, self.looks.colour(Tone.ACCENT if paper else Tone.WARN))
        reasons = self.session.trading_off()
        set_text(self.trading, "READ-ONLY" if reasons else "TRADING ON")
        self.trading.setToolTip("\n".join(reasons) or "Orders may be sent")
        self.trading.recolour(self.looks.colour(Tone.FG if reasons else Tone.CAUTION), self.looks.bg2)
