"""The state of a connection to TWS, as a pure object over times and events; nothing here talks.

DISCONNECTED → CONNECTING → SYNCING → READY ⇄ DEGRADED; REFUSED when TWS is not the one that the configuration names.
Times are monotonic seconds.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field

from pipeline.tws import error_codes

CONNECT_S = 5.0  # to connect and be greeted
SYNC_S = 10.0  # from startApi to ids and accounts
PROBE_EVERY_S = 4.5
PROBES_MISSED = 2  # without any message meanwhile: at most 13.5 s after the last one the link is given up
PROBES_MISSED_BUSY = 6  # although messages come
STABLE_S = 30.0
FIRST_WAIT_S = 0.1
ID_IN_USE_WAIT_S = 2.0  # TWS keeps a dead session's id for a moment
REFUSED_WAIT_S = 60.0
IDS_IN_USE_BEFORE_CHANGE = 3
OTHER_ID_STEP = 100


@dataclass
class Session:
    """`may_change_id` is for market data only: orders belong to their client id."""

    client_id: int
    may_change_id: bool
    longest_wait_s: float = 10.0
    random: random.Random = field(default_factory=random.Random)
    state: str = "DISCONNECTED"
    reason: str = "not connected yet"
    connection: int = 0  # counts connections
    accounts: list[str] = field(default_factory=list)
    next_order_id: int = 0
    farms: dict[str, str] = field(default_factory=dict)
    round_trip_s: float = float("nan")
    data_kept: bool = True  # after 1101: False until asked for again

    def __post_init__(self) -> None:
        self._base_id = self.client_id
        self._due_s = 0.0  # next dial
        self._wait_s = FIRST_WAIT_S
        self._deadline_s = float("inf")
        self._ready_s = float("inf")
        self._probe_s = float("inf")  # next probe
        self._sent_s: list[float] = []  # probes without an answer
        self._frames_at_probe = 0
        self._in_use = 0

    # Connecting.

    def may_dial(self, now_s: float) -> bool:
        """True when it is time to connect."""
        return self.state in ("DISCONNECTED", "REFUSED") and now_s >= self._due_s

    def dialled(self, now_s: float) -> None:
        """A connection attempt began."""
        self.state, self.reason = "CONNECTING", ""
        self._deadline_s = now_s + CONNECT_S

    def greeted(self, now_s: float) -> None:
        """TWS named its version, startApi is on its way."""
        self.state = "SYNCING"
        self.connection += 1
        self.accounts, self.next_order_id, self.farms = [], 0, {}
        self._deadline_s = now_s + SYNC_S
        self._sent_s, self._probe_s = [], float("inf")

    def named_accounts(self, accounts: list[str]) -> None:
        """managedAccounts."""
        self.accounts = accounts

    def named_order_id(self, order_id: int) -> None:
        """nextValidId: read again after every connect."""
        self.next_order_id = order_id

    @property
    def complete(self) -> bool:
        """Both have come, so the connection can become ready."""
        return self.state == "SYNCING" and bool(self.accounts) and self.next_order_id > 0

    def ready(self, now_s: float) -> None:
        """The accounts are the right ones."""
        self.state, self.reason = "READY", ""
        self._deadline_s, self._ready_s, self._probe_s = float("inf"), now_s, now_s
        self._in_use = 0

    def refuse(self, now_s: float, reason: str) -> None:
        """TWS is not the one that the configuration names: tried again once a minute."""
        self.state, self.reason = "REFUSED", reason
        self._due_s = now_s + REFUSED_WAIT_S

    def lost(self, now_s: float, reason: str) -> None:
        """The connection is gone or did not come to be; the next attempt is due after the back-off."""
        if now_s - self._ready_s >= STABLE_S:
            self._wait_s = FIRST_WAIT_S
        if self.state in ("READY", "DEGRADED"):
            self.client_id = self._base_id  # whoever held it may be gone by now
        self._ready_s = float("inf")
        if self.state == "REFUSED":
            return
        wait = self._wait_s * self.random.uniform(0.8, 1.2)
        self._wait_s = min(self.longest_wait_s, self._wait_s * 2.0)
        if self.reason.startswith("client id"):
            reason, wait = self.reason, max(wait, ID_IN_USE_WAIT_S)
        self.state, self.reason = "DISCONNECTED", reason
        self._due_s = now_s + wait
        self._deadline_s = self._probe_s = float("inf")
        self._sent_s = []

    def overdue(self, now_s: float) -> str:
        """Why the connection must be given up now; empty while it need not."""
        if now_s < self._deadline_s:
            return ""
        if self.state == "CONNECTING":
            return f"no greeting from TWS in {CONNECT_S:g} s"
        return f"no accounts and order id from TWS in {SYNC_S:g} s"

    # Alive?

    def probe_due(self, now_s: float) -> bool:
        """True when reqCurrentTime should be sent."""
        return now_s >= self._probe_s

    def probed(self, now_s: float, frames: int) -> None:
        """It was sent; `frames` counts the messages received so far."""
        if not self._sent_s:
            self._frames_at_probe = frames
        self._sent_s.append(now_s)
        self._probe_s = now_s + PROBE_EVERY_S

    def answered(self, now_s: float) -> None:
        """The oldest probe was answered (TWS keeps the order)."""
        if self._sent_s:
            self.round_trip_s = now_s - self._sent_s.pop(0)

    @property
    def oldest_probe_s(self) -> float:
        """When the probe that is answered next was sent; nan when none is."""
        return self._sent_s[0] if self._sent_s else float("nan")

    @property
    def waiting_probes(self) -> int:
        """Probes that TWS has not answered yet."""
        return len(self._sent_s)

    def silent(self, now_s: float, frames: int) -> str:
        """Why TWS counts as dead; empty while it doesn't."""
        missed = sum(1 for sent in self._sent_s if now_s - sent >= PROBE_EVERY_S)
        limit = PROBES_MISSED if frames == self._frames_at_probe else PROBES_MISSED_BUSY
        return f"TWS did not answer {missed} times in a row" if missed >= limit else ""

    # What TWS says about itself.

    def told(self, error: error_codes.TwsError) -> bool:
        """Apply a notice; True when something changed that people should see."""
        farm = error_codes.farm(error.code, error.text)
        if farm is not None:
            changed = self.farms.get(farm[0]) != farm[1]
            self.farms[farm[0]] = farm[1]
            return changed
        match error.code:
            case 1100 | 2110:
                if self.state == "READY":
                    self.state, self.reason = "DEGRADED", error.text
            case 1101 | 1102:
                if self.state == "DEGRADED":
                    self.state, self.reason = "READY", ""
                self.data_kept = error.code == 1102
            case 326:
                self._id_in_use()
            case _:
                return False
        return True

    def _id_in_use(self) -> None:
        """The same id again, after a moment; a data client takes another one after three times."""
        self._in_use += 1
        self.reason = f"client id {self.client_id} is in use"
        if self.may_change_id and self._in_use >= IDS_IN_USE_BEFORE_CHANGE:
            tries = self._in_use - IDS_IN_USE_BEFORE_CHANGE + 1
            self.client_id = self._base_id + OTHER_ID_STEP * tries


class MarketClock:
    """TWS's own time, estimated from its answers; `rate` market seconds pass in one second."""

    def __init__(self, rate: float = 1.0) -> None:
        self.rate = rate
        self._market_ns = 0
        self._at_s = 0.0

    def told(self, market_ns: int, sent_s: float, now_s: float, resolution_ns: int = 0) -> None:
        """TWS said `market_ns` somewhere between `sent_s` and `now_s`; of whole seconds the middle is taken."""
        self._market_ns = market_ns + resolution_ns // 2
        self._at_s = (sent_s + now_s) / 2.0 if sent_s == sent_s else now_s

    def at(self, now_s: float) -> int:
        """Market time in UTC ns; 0 while TWS has told nothing."""
        if not self._market_ns:
            return 0
        return self._market_ns + int((now_s - self._at_s) * self.rate * 1e9)
