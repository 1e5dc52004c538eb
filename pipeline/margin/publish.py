"""What leaves the process and when: live records at each recompute, kept records once a second, trees twice."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.bus.live import Stream
from pipeline.messages import MarginFlag, MarginTree

TREE_EVERY_S = 0.5
QUIET_S = 0.25  # a due record waits so long for a figure that answers a tick
ACCOUNT_TOPIC, GROUP_TOPIC = b"margin.account", b"margin.group"

Records = NDArray[np.void]


@dataclass
class Kept:
    """The latest of one account, and when it was last kept and explained."""

    record: Records
    groups: dict[tuple[str, int], Records] = field(default_factory=dict)
    tree: MarginTree | None = None
    record_due_s: float = 0.0
    tree_due_s: float = 0.0
    tree_stale: bool = True


class Publisher:
    """Sends figures on the live stream and keeps some of them on the recorded one."""

    def __init__(self, live: Stream, record: Stream, record_every_s: float) -> None:
        self._live = live
        self._record = record
        self._every_s = record_every_s
        self.kept: dict[str, Kept] = {}
        self.updates = 0

    def publish(self, account: Records, groups: Records, now_s: float, keep: bool) -> None:
        """Send an account's figures and its changed groups. `keep`: record them at once (level change, fill)."""
        name = account[0]["account"].decode()
        kept = self.kept.get(name)
        if kept is None:
            kept = self.kept[name] = Kept(account)
        kept.record = account
        kept.tree_stale = True
        for index in range(groups.size):
            row = groups[index : index + 1]
            kept.groups[row[0]["underlying"].decode(), int(row[0]["con_id"])] = row
        if groups.size:
            self._live.records(GROUP_TOPIC, groups)
        self._live.records(ACCOUNT_TOPIC, account)
        self.updates += 1
        answers_tick = account[0]["oldest_ns"] > 0
        if keep or (now_s >= kept.record_due_s and answers_tick):
            self._keep(kept, now_s)

    def forget_groups(self, account: str, current: set[tuple[str, int]]) -> None:
        """Groups that are held no more: sent once with no legs and no requirement, then forgotten."""
        kept = self.kept.get(account)
        for key in [] if kept is None else [key for key in kept.groups if key not in current]:
            assert kept is not None
            gone = np.zeros(1, dtype=kept.groups[key].dtype)
            for name in ("account", "underlying", "con_id"):
                gone[name] = kept.groups[key][name]
            del kept.groups[key]
            self._live.records(GROUP_TOPIC, gone)
            self._record.records(GROUP_TOPIC, gone)

    def on_time(self, now_s: float, tree: Callable[[str], MarginTree | None]) -> None:
        """Keep what is due though nothing ticks; send due trees."""
        for name, kept in self.kept.items():
            if now_s >= kept.record_due_s + QUIET_S:
                self._keep(kept, now_s)
            if kept.tree_stale and now_s >= kept.tree_due_s:
                kept.tree_due_s = now_s + TREE_EVERY_S
                kept.tree_stale = False
                made = tree(name)
                if made is not None:
                    kept.tree = made
                    self._live.map(made)

    def _keep(self, kept: Kept, now_s: float) -> None:
        kept.record_due_s = now_s + self._every_s
        self._record.records(ACCOUNT_TOPIC, kept.record)
        if kept.groups:
            self._record.records(GROUP_TOPIC, np.concatenate(list(kept.groups.values())))

    def snapshot(self) -> list[tuple[bytes, Any]]:
        """The latest figures and trees for a late subscriber; they answer no tick anew."""
        items: list[tuple[bytes, Any]] = []
        for kept in self.kept.values():
            items.append((ACCOUNT_TOPIC, kept.record))
            items += [(GROUP_TOPIC, row) for row in kept.groups.values()]
            if kept.tree is not None:
                items.append((kept.tree.topic.encode(), kept.tree))
        return items


def with_flag(record: Records, flag: MarginFlag, on: bool) -> None:
    """Set or clear one flag of a record."""
    value = int(record[0]["flags"])
    record[0]["flags"] = value | int(flag) if on else value & ~int(flag)
