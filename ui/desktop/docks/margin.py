"""The margin panel: the model beside TWS with both ages and the gap, the cushion, and the tree that says why."""

from __future__ import annotations

import math

from PyQt5.QtCore import QModelIndex, Qt
from PyQt5.QtWidgets import QAbstractItemView, QGridLayout, QLabel, QTreeView, QVBoxLayout, QWidget

from pipeline.messages import STALE_AFTER_S, MarginFlag
from ui.desktop import format as fmt
from ui.desktop.docks.base import Dock
from ui.desktop.docks.figure import CushionBar
from ui.desktop.looks import Looks, paint_text, set_text
from ui.desktop.models.tree import WIDTHS_EM, MarginTreeModel
from ui.desktop.picture import health
from ui.desktop.picture.accounts import Account, Figures
from ui.desktop.session import Session
from ui.desktop.theme import LEVEL_ICONS, LEVEL_TONES, LEVEL_WORDS, Tone

# caption, field of the model, TWS's account key, lower is better
ROWS = (
    ("Net liquidation", "net_liquidation", "NetLiquidation"),
    ("Equity with loan", "equity_with_loan", "EquityWithLoanValue"),
    ("Maintenance", "maintenance_margin", "MaintMarginReq"),
    ("Initial", "initial_margin", "InitMarginReq"),
    ("Reg T", "reg_t_margin", "RegTMargin"),
    ("Excess liquidity", "excess_liquidity", "ExcessLiquidity"),
    ("Available funds", "available_funds", "AvailableFunds"),
    ("SMA", "sma", "SMA"),
)
GAP_ALERT = 0.01


class MarginDock(Dock):
    """`refresh` five times a second."""

    def __init__(self, session: Session, looks: Looks) -> None:
        super().__init__("margin", "Margin", session, looks)
        self.tree_model = MarginTreeModel(looks, self)
        self.tree = self._tree_view()
        self._cells: dict[tuple[int, int], QLabel] = {}
        self._shown = ""
        body = QWidget()
        column = QVBoxLayout(body)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(2)
        column.addWidget(self._table())
        column.addWidget(self.tree, 1)
        self.finish(body)

    def _table(self) -> QWidget:
        box = QWidget()
        grid = QGridLayout(box)
        grid.setContentsMargins(8, 4, 8, 4)
        grid.setVerticalSpacing(1)
        grid.setHorizontalSpacing(12)
        for column, title in enumerate(("", "TWS", "Model ≈", "Gap")):
            self._label(grid, 0, column, title, Tone.DIM)
        for row, (caption, _field, key) in enumerate(ROWS, 1):
            self._label(grid, row, 0, caption, Tone.DIM)
            for column, source in ((1, "TWS"), (2, "model"), (3, "gap")):
                label = self._label(grid, row, column, fmt.DASH, Tone.FG)
                label.setObjectName(f"margin.{key}.{source}")
                label.setAccessibleName(f"{caption} {source}")
        self.bar = CushionBar("margin.bar", self.looks, self.session.settings.margin.caution_cushion)
        self.level = self._named("margin.level", "Margin level")
        self.ages = self._named("margin.ages", "Age of the figures")
        self.note = self._named("margin.note", "Notes")
        self.note.setWordWrap(True)
        for place, widget in enumerate((self.level, self.bar, self.ages, self.note), len(ROWS) + 1):
            grid.addWidget(widget, place, 0, 1, 4)
        grid.setColumnStretch(0, 1)
        return box

    def _label(self, grid: QGridLayout, row: int, column: int, text: str, tone: Tone) -> QLabel:
        label = QLabel(text)
        label.setAlignment(Qt.AlignVCenter | (Qt.AlignRight if column else Qt.AlignLeft))
        if column and row:
            label.setFont(self.looks.figure_font)
        paint_text(label, self.looks.colour(tone))
        grid.addWidget(label, row, column)
        self._cells[row, column] = label
        return label

    def _named(self, name: str, title: str) -> QLabel:
        label = QLabel(fmt.DASH)
        label.setObjectName(name)
        label.setAccessibleName(title)
        paint_text(label, self.looks.colour(Tone.DIM))
        return label

    def _tree_view(self) -> QTreeView:
        tree = QTreeView()
        tree.setObjectName("margin.tree")
        tree.setAccessibleName("Why: margin by underlying, group and leg")
        tree.setModel(self.tree_model)
        tree.setUniformRowHeights(True)
        tree.setEditTriggers(QAbstractItemView.NoEditTriggers)
        tree.setFrameShape(QTreeView.NoFrame)
        tree.setIndentation(round(self.looks.base_px * 1.1))
        for column, width in enumerate(WIDTHS_EM):
            tree.setColumnWidth(column, round(width * self.looks.base_px))
        return tree

    def refresh(self, changed: set[str]) -> None:
        """Figures, and the tree when it changed."""
        account, state = self.session.account, self.session.of_margin()
        name = self.session.account_name
        known = account is not None and (account.model is not None or bool(account.values))
        self.show_health(health.with_rows(state, int(known), "No margin figure yet"), int(known))
        if account is None or not self.seen:
            return
        self._figures(account, state.old)
        self.tree_model.set_old(state.old)
        if account.tree is not None and ("tree" in changed or "reset" in changed or name != self._shown):
            self._shown = name
            self._apply_tree(account)

    def _figures(self, account: Account, old: bool) -> None:
        model = account.model
        tws_age = (self.session.clock.now_ns() - account.told_ns) / 1e9 if account.told_ns else math.nan
        tws_old = tws_age > STALE_AFTER_S["tws_account"] or self.session.of_market().old
        for row, (_caption, field, key) in enumerate(ROWS, 1):
            found = account.value(key)
            theirs = found.value if found is not None else math.nan
            ours = model[field] if model is not None else math.nan
            self._put(row, 1, fmt.whole(theirs), Tone.FG, tws_old, f"TWS · {fmt.full(theirs)} · {fmt.age(tws_age)} old")
            self._put(row, 2, fmt.whole(ours), Tone.MODEL, old, f"model ≈ {fmt.full(ours)}")
            gap = ours / theirs - 1.0 if theirs else math.nan
            tone = Tone.WARN if abs(gap) >= GAP_ALERT else Tone.DIM
            self._put(row, 3, fmt.percent(gap, 2, signed=True), tone, old, f"model − TWS = {fmt.full(ours - theirs)}")
        if model is not None:
            self._summary(account, model, old)

    def _summary(self, account: Account, model: Figures, old: bool) -> None:
        level = int(model["level"])
        set_text(self.level, f"{LEVEL_ICONS[level]} {LEVEL_WORDS[level]}   cushion {fmt.percent(model['cushion'], 2)}")
        paint_text(self.level, self.looks.colour(Tone.STALE if old else LEVEL_TONES[level]))
        self.bar.show_cushion(model["cushion"], level, old)
        now_ns = self.session.clock.now_ns()
        tws_ns = int(model["tws_ns"])
        tws = fmt.age((now_ns - tws_ns) / 1e9) if tws_ns else fmt.DASH
        ours = fmt.age((now_ns - model.publish_ns) / 1e9)
        set_text(self.ages, f"TWS {tws} old · model {ours} · {account.tree.rule_set if account.tree else ''}")
        set_text(self.note, self._notes(account, MarginFlag(int(model["flags"]))))

    def _notes(self, account: Account, flags: MarginFlag) -> str:
        notes = []
        if MarginFlag.AT_LEAST in flags:
            notes.append("≥ an input is missing: the requirement is a lower bound")
        if MarginFlag.STALE_INPUT in flags:
            notes.append("some prices are old")
        if MarginFlag.MODELLED in flags:
            notes.append("some prices are modelled from their underlying")
        if account.tree is not None and account.tree.root.at_least and account.tree.root.reason:
            notes.append(account.tree.root.reason)
        return " · ".join(notes)

    def _put(self, row: int, column: int, text: str, tone: Tone, old: bool, tip: str) -> None:
        label = self._cells[row, column]
        set_text(label, text)
        label.setToolTip(tip)
        label.setFont(self.looks.figure_italic if old else self.looks.figure_font)
        paint_text(label, self.looks.colour(Tone.STALE if old else tone))

    def _apply_tree(self, account: Account) -> None:
        assert account.tree is not None
        opened = self._opened(QModelIndex())
        if self.tree_model.apply(account.tree.root):
            self._open(QModelIndex(), opened)

    def _opened(self, parent: QModelIndex) -> set[tuple[str, ...]]:
        found: set[tuple[str, ...]] = set()
        for place in range(self.tree_model.rowCount(parent)):
            index = self.tree_model.index(place, 0, parent)
            if self.tree.isExpanded(index):
                found.add(self.tree_model.row_at(index).key)
                found |= self._opened(index)
        return found

    def _open(self, parent: QModelIndex, keys: set[tuple[str, ...]]) -> None:
        for place in range(self.tree_model.rowCount(parent)):
            index = self.tree_model.index(place, 0, parent)
            if self.tree_model.row_at(index).key in keys:
                self.tree.setExpanded(index, True)
                self._open(index, keys)
