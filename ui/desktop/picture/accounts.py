"""One account as the desk knows it: our figures, TWS's figures, positions, the explained tree. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from pipeline.messages import (
    MARGIN_ACCOUNT,
    AccountPnL,
    AccountSnapshot,
    AccountValue,
    MarginNode,
    MarginTree,
    Position,
)
from ui.desktop.picture.series import Ring

CHART_S = 900.0
SAMPLE_S = 0.1
_FIGURES = [name for name in MARGIN_ACCOUNT.names or () if name not in ("account",)]


@dataclass
class Figures:
    """A MARGIN_ACCOUNT record as plain numbers, with when it was published."""

    values: dict[str, float]
    publish_ns: int

    def __getitem__(self, name: str) -> float:
        return self.values[name]

    @property
    def latency_ms(self) -> float:
        """Publish time minus the receive time of the oldest tick that it answers; nan where it answered none."""
        oldest = self.values["oldest_ns"]
        return (self.publish_ns - oldest) / 1e6 if oldest > 0 else math.nan


def figures(record: Any, publish_ns: int) -> Figures:
    """Plain numbers of one record."""
    return Figures(dict(zip(_FIGURES, record.tolist()[1:], strict=True)), publish_ns)


@dataclass(frozen=True)
class Reason:
    """Why a position costs margin: the group and the leg that hold it."""

    underlying: MarginNode
    group: MarginNode  # the dearest, where several hold a part of the position
    leg: MarginNode
    parts: tuple[MarginNode, ...] = ()  # the legs of all groups that hold a part

    @property
    def others(self) -> int:
        """Further groups that hold a part of it."""
        return len(self.parts) - 1

    def total(self, name: str) -> float:
        """Sum of a figure over all parts; nan where one of them is unknown."""
        return float(sum(getattr(part, name) for part in self.parts))


@dataclass
class Account:
    """Everything about one account. `seen` tells the generation in which a thing was last restated."""

    name: str
    model: Figures | None = None
    model_generation: int = 0
    groups: dict[str, Any] = field(default_factory=dict)  # underlying → MARGIN_GROUP record
    values: dict[tuple[str, str], AccountValue] = field(default_factory=dict)
    positions: dict[int, Position] = field(default_factory=dict)
    seen: dict[int, int] = field(default_factory=dict)  # con_id → generation
    snapshot: AccountSnapshot | None = None
    pnl: AccountPnL | None = None
    told_ns: int = 0  # when TWS last told any value: it repeats only what changed, so this is the age of all of them
    tree: MarginTree | None = None
    reasons: dict[int, Reason] = field(default_factory=dict)
    ring: Ring = field(default_factory=lambda: Ring(int(CHART_S / SAMPLE_S), 2))

    def on_figures(self, record: Any, publish_ns: int, generation: int) -> None:
        """Our newest figures, and a sample for the chart at most each tenth of a second."""
        self.model = figures(record, publish_ns)
        self.model_generation = generation
        now_s = publish_ns / 1e9
        if not now_s - self.ring.last_s < SAMPLE_S:
            if now_s - self.ring.last_s > 3.0:
                self.ring.append(self.ring.last_s, math.nan, math.nan)
            self.ring.append(now_s, self.model["excess_liquidity"], self.model["maintenance_margin"])

    def on_group(self, record: Any) -> None:
        """Our newest figures of a class group; one without legs is gone."""
        name = bytes(record["underlying"]).decode("ascii", "replace")
        if record["legs"] == 0:
            self.groups.pop(name, None)
        else:
            self.groups[name] = record

    def on_position(self, position: Position, generation: int) -> None:
        """Quantity 0 ends a position."""
        if position.quantity == 0:
            self.positions.pop(position.con_id, None)
            self.seen.pop(position.con_id, None)
        else:
            self.positions[position.con_id] = position
            self.seen[position.con_id] = generation

    def on_value(self, value: AccountValue) -> None:
        """One account key."""
        self.values[value.key, value.currency] = value
        self.told_ns = max(self.told_ns, value.recv_ns)

    def on_snapshot(self, snapshot: AccountSnapshot, generation: int) -> None:
        """A complete picture ends what it did not restate."""
        self.snapshot = snapshot
        self.told_ns = max(self.told_ns, snapshot.recv_ns)
        if snapshot.complete:
            for con_id in [c for c, seen in self.seen.items() if seen != generation]:
                self.positions.pop(con_id, None)
                self.seen.pop(con_id, None)

    def on_tree(self, tree: MarginTree) -> None:
        """The explained margin, indexed by contract; class groups that it does not name are gone."""
        self.tree = tree
        reasons: dict[int, Reason] = {}
        for underlying, group, leg in legs(tree.root):
            held = reasons.get(leg.con_id)
            if held is None:
                reasons[leg.con_id] = Reason(underlying, group, leg, (leg,))
            elif _cost(group) > _cost(held.group):
                reasons[leg.con_id] = Reason(underlying, group, leg, (*held.parts, leg))
            else:
                reasons[leg.con_id] = Reason(held.underlying, held.group, held.leg, (*held.parts, leg))
        self.reasons = reasons
        named = {node.name for node in tree.root.children}
        self.groups = {name: record for name, record in self.groups.items() if name in named or not named}

    def value(self, key: str, currency: str = "") -> AccountValue | None:
        """An account key as TWS last sent it; without a currency: of the base, else the only one."""
        if currency:
            return self.values.get((key, currency))
        for wanted in (self.snapshot.base_currency if self.snapshot else "", "BASE", ""):
            if (found := self.values.get((key, wanted))) is not None:
                return found
        return next((value for (name, _), value in self.values.items() if name == key), None)

    def number(self, key: str) -> float:
        """TWS's figure; nan where it gave none."""
        found = self.value(key)
        return found.value if found is not None else math.nan

    @property
    def base_currency(self) -> str:
        """Currency of the figures."""
        return self.snapshot.base_currency if self.snapshot else ""


def legs(root: MarginNode) -> Iterator[tuple[MarginNode, MarginNode, MarginNode]]:
    """(underlying, group, leg) of each leg below an account's node."""
    for underlying in root.children:
        for group in underlying.children:
            if group.level == "leg":
                yield underlying, underlying, group
            for leg in group.children:
                yield underlying, group, leg


def _cost(node: MarginNode) -> float:
    return node.maintenance_margin if math.isfinite(node.maintenance_margin) else -math.inf


def margin_records(records: np.ndarray[Any, Any]) -> dict[str, Any]:
    """The newest record of each account in a batch."""
    return {bytes(record["account"]).decode("ascii", "replace"): record for record in records}
