"""What all docks share: the picture, the chosen account and contract, who is well, and how to send."""

from __future__ import annotations

from collections.abc import Callable

from PyQt5.QtCore import QObject, pyqtSignal

from pipeline.clock import Clock
from pipeline.config import Settings
from pipeline.messages import StreamId
from ui.desktop import format as fmt
from ui.desktop.commands import Commands
from ui.desktop.picture import health
from ui.desktop.picture.accounts import Account
from ui.desktop.picture.health import Condition, Health, Link
from ui.desktop.picture.picture import Picture

STREAM_OF = {
    "ingest": StreamId.INGEST,
    "margin": StreamId.MARGIN,
    "orders": StreamId.ORDERS,
    "supervisor": StreamId.SUPERVISOR,
}


class Session(QObject):
    """Docks get one of these by constructor."""

    account_changed = pyqtSignal(str)
    contract_changed = pyqtSignal(int)

    def __init__(
        self,
        picture: Picture,
        commands: Commands,
        links: Callable[[], dict[str, Link]],
        clock: Clock,
        settings: Settings,
    ) -> None:
        super().__init__()
        self.picture, self.commands, self.clock, self.settings = picture, commands, clock, settings
        self._links = links
        self._account = ""
        self.con_id = 0
        self._bad_since_ns: dict[str, int] = {}

    @property
    def account_name(self) -> str:
        """The chosen account; the first one until somebody chose."""
        if self._account not in self.picture.accounts and self.picture.accounts:
            return min(self.picture.accounts)
        return self._account

    @property
    def account(self) -> Account | None:
        """Everything about the chosen account."""
        return self.picture.accounts.get(self.account_name)

    def choose_account(self, name: str) -> None:
        """All docks follow."""
        if name != self._account:
            self._account = name
            self.account_changed.emit(name)

    def choose_contract(self, con_id: int) -> None:
        """All docks follow."""
        if con_id and con_id != self.con_id:
            self.con_id = con_id
            self.contract_changed.emit(con_id)

    def link(self, process: str) -> Link:
        """The live stream of a process."""
        return self._links().get(process, Link())

    def generation(self, process: str) -> int:
        """Counts how often the stream of a process began anew."""
        return self.picture.generation[STREAM_OF[process]]

    def of_process(self, process: str) -> Health:
        """Health of what comes from one process."""
        found = health.of_link(process, self.link(process))
        return self._with_since(process, found)

    def of_market(self) -> Health:
        """Health of quotes, positions, account values: ingest and its TWS."""
        tws = health.of_tws(self.picture.tws.get("ingest"))
        return health.worst(self.of_process("ingest"), self._with_since("ingest.tws", tws))

    def of_orders(self) -> Health:
        """Health of orders and fills: the order process and its TWS."""
        tws = health.of_tws(self.picture.tws.get("orders"))
        return health.worst(self.of_process("orders"), self._with_since("orders.tws", tws))

    def of_margin(self) -> Health:
        """Health of the model: margin, and what it is fed with."""
        own, fed = self.of_process("margin"), self.of_market()
        if own.condition <= Condition.LOADING and fed.old:
            return Health(Condition.STALE, f"model goes on from the last prices · {fed.text}")
        return own

    def paper(self) -> bool:
        """A paper session, by TWS's word and by the configuration."""
        states = self.picture.tws.values()
        return self.settings.tws.mode == "paper" and all(state.paper for state in states)

    def market_time_ns(self) -> int:
        """Market time now: TWS's last word, run on at its rate; 0 while nobody told it."""
        state = self.picture.tws.get("ingest")
        if state is None or not state.market_time_ns:
            return 0
        passed_ns = self.clock.now_ns() - self.picture.tws_ns["ingest"]
        return state.market_time_ns + round(passed_ns * state.market_rate)

    def trading_off(self) -> list[str]:
        """Each reason why orders can't be sent; empty: they can."""
        reasons: list[str] = []
        trading = self.picture.trading
        orders = self.of_orders()
        if orders.condition >= Condition.LOADING and orders.condition is not Condition.EMPTY:
            reasons.append(orders.text)
        if trading is None:
            reasons.append("the order process has not told its state")
        elif not trading.enabled:
            reasons += trading.reasons or ["trading is off: Trade ▸ Enable trading… (Ctrl+Shift+T)"]
        elif trading.account and trading.account != self.account_name:
            reasons.append(f"trading is on for {trading.account} only")
        if not self.paper():
            reasons.append("live session: orders go to paper accounts alone")
        return reasons

    def _with_since(self, name: str, found: Health) -> Health:
        """Adds since when it is disconnected; remembers the moment."""
        if found.condition is not Condition.DISCONNECTED:
            self._bad_since_ns.pop(name, None)
            return found
        since = self._bad_since_ns.setdefault(name, self.clock.now_ns())
        return Health(found.condition, f"{found.text} since {fmt.clock_time(since)}")
