"""Applies faults to clients: binds filters and valves, speaks for IBKR's servers, lets requests through or not."""

from __future__ import annotations

import logging
from collections.abc import Iterable

from pipeline.errors import ConfigError
from pipeline.gateway.asks.request import BadRequest, Request
from pipeline.gateway.connection import Connection
from pipeline.gateway.faults import notices, scenario
from pipeline.gateway.faults.bindings import Bindings
from pipeline.gateway.faults.deeds import Deeds, Gateway
from pipeline.gateway.faults.scenario import Fault
from pipeline.gateway.faults.schedule import Active, Schedule
from pipeline.gateway.market.universe import Description
from pipeline.gateway.session import Phase, Session

log = logging.getLogger("margindesk.gateway")
LOST = ("1100", "2110")
MOST_REMEMBERED = 1000  # subscriptions of a client whose contracts are known here
ORDER = 3


class Injection:
    """The faults of one gateway. Seconds are monotonic; those of the schedule count from `begin_s`."""

    def __init__(self, gateway: Gateway, faults: Iterable[Fault], begin_s: float) -> None:
        self._gateway, self._begin_s = gateway, begin_s
        self.schedule = Schedule(faults)
        self._asked: dict[Session, dict[int, Description]] = {}
        self._bindings = Bindings(self._farm_of)
        self._deeds = Deeds(gateway, lambda session: list(reversed(self._asked.get(session, {}))))

    # Time.

    def step(self, now_s: float) -> None:
        """Begin what is due, end what is over."""
        since = now_s - self._begin_s
        for ended in self.schedule.over(since):
            self._ended(ended, now_s)
        for fault in self.schedule.due(since):
            log.warning("fault", extra={"facts": {"do": fault.do, "client": fault.client, **fault.values}})
            self._begin(fault, now_s)

    def command(self, line: str, now_s: float) -> str:
        """One line of the control channel; the answer begins with `ok` or says what was expected."""
        words = line.split()
        if not words:
            return "expected a command"
        if words[0] == "list":
            told = [f"{one.fault.do} client={one.fault.client}" for one in self.schedule.active]
            return " ".join(["ok", *told])
        if words[0] == "clear":
            ended = self.schedule.lift(words[1] if len(words) > 1 else "")
            self.schedule.forget()
            for one in ended:
                self._ended(one, now_s)
            return f"ok {len(ended)}"
        try:
            fault = scenario.command(line)
        except ConfigError as error:
            return "; ".join(error.faults)
        self.schedule.add(fault, now_s - self._begin_s)
        self.step(now_s)
        return "ok"

    # Clients.

    def admit(self, connection: Connection, now_s: float) -> None:
        """A connection is there, or its client id is known now: what goes on concerns it too."""
        for active in self.schedule.active:
            self._bindings.bind(active, connection, now_s)

    def forget(self, connection: Connection) -> None:
        self._bindings.forget(connection)
        self._asked.pop(connection.session, None)

    def heard(self, session: Session, message: int, now_s: float) -> bool:
        """A client's message came; False if it is to stay without an answer."""
        if self.schedule.heard(session.client_id, message, now_s - self._begin_s):
            self.step(now_s)
        for fault in self._going(session):
            if fault.do == "ignore" and fault.whole("message") in (message, scenario.ANY_MESSAGE):
                return False
            if fault.do.isdigit() and message in notices.UNANSWERED.get(int(fault.do), ()):
                return False
        return True

    def check(self, session: Session, message: int, request: Request) -> None:
        """BadRequest where a fault refuses; an advisory is told and the request goes on."""
        wanted = getattr(request, "contract", None)
        if not isinstance(wanted, Description):
            return
        if message in notices.QUOTES:
            asked = self._asked.setdefault(session, {})
            asked[request.req_id] = wanted
            if len(asked) > MOST_REMEMBERED:
                del asked[next(iter(asked))]
        for fault in self._going(session):
            if fault.do not in ("refuse", "reject_orders"):
                continue
            code, symbol = fault.whole("code"), self._symbol(wanted)
            if fault.text("symbol") not in ("", symbol) or message not in _concerned(fault.do, code):
                continue
            text = fault.text("text") or notices.text(code, symbol=symbol)
            if code not in notices.ADVISORY:
                raise BadRequest(request.req_id, code, text)
            self._gateway.house.error(session, request.req_id, code, text)

    def login(self, client_id: int) -> tuple[int, str] | None:
        """Code and text if this client is not to be let in."""
        for active in self.schedule.active:
            fault = active.fault
            if fault.do == "refuse_login" and fault.client in (None, client_id):
                return fault.whole("code"), fault.text("text") or notices.text(fault.whole("code"))
        return None

    def _going(self, session: Session) -> list[Fault]:
        return [one.fault for one in self.schedule.active if one.fault.client in (None, session.client_id)]

    def _symbol(self, wanted: Description) -> str:
        known = self._gateway.house.brokerage.universe.by_con_id.get(wanted.con_id)
        return known.symbol if known is not None else wanted.symbol

    # What begins and ends.

    def _targets(self, fault: Fault) -> list[Connection]:
        return [
            connection
            for connection in self._gateway.clients()
            if connection.session.phase is Phase.OPEN and fault.client in (None, connection.session.client_id)
        ]

    def _begin(self, fault: Fault, now_s: float) -> None:
        self._deeds.to_all(fault)
        match fault.do:
            case "1101" | "1102":
                for active in [one for do in LOST for one in self.schedule.lift(do)]:
                    self._bindings.unbind(active)
            case "2104" | "2106" | "2158":
                self._farm_is_well(fault)
        for connection in self._targets(fault):
            self._deeds.to_one(fault, connection, now_s)
        for active in self.schedule.active:
            if active.fault is fault:
                for connection in list(self._gateway.clients()):
                    self._bindings.bind(active, connection, now_s)

    def _ended(self, active: Active, now_s: float) -> None:
        """A lasting fault is over; IBKR's servers say so."""
        self._bindings.unbind(active)
        fault = active.fault
        if not fault.do.isdigit():
            return
        code = fault.whole("then") if fault.do in LOST else notices.RESTORED[int(fault.do)]
        for connection in self._targets(fault):
            if code == 1101:
                self._deeds.lose_data(fault, connection, now_s)
            else:
                self._deeds.notice(connection, code, fault)

    def _farm_is_well(self, fault: Fault) -> None:
        broken = next(str(code) for code, well in notices.RESTORED.items() if well == int(fault.do))
        for active in list(self.schedule.active):
            if active.fault.do == broken and active.fault.values["farm"] == fault.values["farm"]:
                self.schedule.active.remove(active)
                self._bindings.unbind(active)

    def _farm_of(self, session: Session, req_id: int) -> str:
        wanted = self._asked.get(session, {}).get(req_id)
        if wanted is None:
            return ""
        known = self._gateway.house.brokerage.universe.by_con_id.get(wanted.con_id)
        return notices.farm_of(known.sec_type if known is not None else wanted.sec_type)


def _concerned(do: str, code: int) -> tuple[int, ...]:
    """Messages that a refusal with this code is an answer to."""
    if do == "reject_orders":
        return (ORDER,)
    if code == 162:
        return notices.HISTORY
    return (*notices.QUOTES, *notices.HISTORY, *notices.DEFINITIONS) if code == 200 else notices.QUOTES
