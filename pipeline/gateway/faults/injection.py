"""Applies faults to clients: binds filters and valves, speaks for IBKR's servers, lets requests through or not."""

from __future__ import annotations

import logging
import random
from collections.abc import Callable, Iterable
from typing import Protocol

from pipeline.errors import ConfigError
from pipeline.gateway.answers.area import House
from pipeline.gateway.asks.request import BadRequest, Request
from pipeline.gateway.connection import Connection, Valve
from pipeline.gateway.faults import filters, notices, scenario, valves
from pipeline.gateway.faults.scenario import Fault
from pipeline.gateway.faults.schedule import Active, Schedule
from pipeline.gateway.market.universe import Description
from pipeline.gateway.session import Filter, Phase, Session
from pipeline.gateway.tells import frames

log = logging.getLogger("margindesk.gateway")
LOST = ("1100", "2110")
MOST_REMEMBERED = 1000  # subscriptions of a client whose contracts are known here
BROKEN_FARM, ORDER = "2103", 3


class Gateway(Protocol):
    """What faults may do to the server."""

    house: House

    def clients(self) -> Iterable[Connection]: ...
    def end(self, connection: Connection, why: str, *, reset: bool = False) -> None: ...
    def hang_up(self, connection: Connection) -> None: ...
    def restart(self, closed_s: float) -> None: ...
    def lose_data(self, session: Session) -> None: ...
    def set_rate(self, ticks_per_s: float) -> None: ...
    def set_burst(self, count: int) -> None: ...


class Injection:
    """The faults of one gateway. Seconds are monotonic; those of the schedule count from `begin_s`."""

    def __init__(self, gateway: Gateway, faults: Iterable[Fault], begin_s: float) -> None:
        self._gateway, self._begin_s = gateway, begin_s
        self.schedule = Schedule(faults)
        self._bound: dict[Connection, dict[Active, Filter | Valve]] = {}
        self._asked: dict[Session, dict[int, Description]] = {}
        self._once: dict[str, Callable[[Fault, Connection, float], None]] = {
            "close": lambda _fault, connection, _now: gateway.end(connection, "fault: close"),
            "reset": lambda _fault, connection, _now: gateway.end(connection, "fault: reset", reset=True),
            "garbage": self._garbage,
            "truncated": self._truncated,
            "wrong_length": self._wrong_length,
            "10197": self._competing,
            "error": self._error,
            "1101": self._data_lost,
        }

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
            self._bind(active, connection, now_s)

    def forget(self, connection: Connection) -> None:
        self._bound.pop(connection, None)
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
        match fault.do:
            case "restart":
                self._gateway.restart(fault.number("closed_s"))
            case "rate":
                self._gateway.set_rate(fault.number("ticks_per_s"))
            case "burst":
                self._gateway.set_burst(fault.whole("frames"))
            case "1101" | "1102":
                for active in [one for do in LOST for one in self.schedule.lift(do)]:
                    self._unbind(active)
            case "2104" | "2106" | "2158":
                self._farm_is_well(fault)
        for connection in self._targets(fault):
            if fault.do in self._once:
                self._once[fault.do](fault, connection, now_s)
            elif fault.do.isdigit():
                self._notice(connection, int(fault.do), fault)
        for active in self.schedule.active:
            if active.fault is fault:
                for connection in list(self._gateway.clients()):
                    self._bind(active, connection, now_s)

    def _ended(self, active: Active, now_s: float) -> None:
        """A lasting fault is over; IBKR's servers say so."""
        self._unbind(active)
        fault = active.fault
        if not fault.do.isdigit():
            return
        code = fault.whole("then") if fault.do in LOST else notices.RESTORED[int(fault.do)]
        for connection in self._targets(fault):
            if code == 1101:
                self._data_lost(fault, connection, now_s)
            else:
                self._notice(connection, code, fault)

    def _farm_is_well(self, fault: Fault) -> None:
        broken = next(str(code) for code, well in notices.RESTORED.items() if well == int(fault.do))
        for active in list(self.schedule.active):
            if active.fault.do == broken and active.fault.values["farm"] == fault.values["farm"]:
                self.schedule.active.remove(active)
                self._unbind(active)

    def _bind(self, active: Active, connection: Connection, now_s: float) -> None:
        fault, session = active.fault, connection.session
        bound = self._bound.setdefault(connection, {})
        if active in bound or fault.client not in (None, session.client_id):
            return
        if fault.do == "split_handshake" and session.phase is not Phase.HELLO:
            return
        made = self._made(fault, session, now_s)
        if made is None:
            return
        bound[active] = made
        if isinstance(made, valves.Stall | valves.Drip | valves.Split):
            connection.valves.append(made)
            connection.deaf = connection.deaf or (fault.do == "stall" and not fault.values["read"])
        else:
            session.filters.append(made)  # type: ignore[arg-type]

    def _unbind(self, active: Active) -> None:
        for connection, bound in self._bound.items():
            made = bound.pop(active, None)
            if made is None:
                continue
            connection.valves = [valve for valve in connection.valves if valve is not made]
            connection.session.filters = [one for one in connection.session.filters if one is not made]
            connection.deaf = connection.deaf and any(isinstance(valve, valves.Stall) for valve in connection.valves)
            if isinstance(made, filters.Late | filters.CommissionFirst):
                connection.session.send(*made.rest())

    def _made(self, fault: Fault, session: Session, now_s: float) -> Filter | Valve | None:
        match fault.do:
            case "stall":
                return valves.Stall()
            case "drip":
                return valves.Drip(fault.whole("bytes"), fault.number("every_ms") / 1e3, now_s)
            case "split_handshake":
                return valves.Split(fault.whole("at"), fault.number("pause_s"))
            case "1100" | "2110":
                return filters.Silent(lambda _req_id: True)
            case "2103":
                return filters.Silent(lambda req_id: self._farm_of(session, req_id) == fault.text("farm"))
            case "delay":
                number = fault.whole("message")
                return filters.Late(lambda frame: filters.message(frame) == number, fault.number("by_s"))
            case "late_executions":
                return filters.Late(filters.is_execution, fault.number("by_s"))
            case "clock_skew":
                return filters.Skew(fault.number("by_s"))
            case "half_snapshot":
                return filters.HalfSnapshot(fault.number("rows"), bool(fault.values["end"]))
            case "unset":
                return filters.Unset(fault.text("where"), fault.text("spelling"))
            case "duplicate_executions":
                return filters.Copies(fault.whole("copies"))
            case "commission_first":
                return filters.CommissionFirst()
        return None

    def _farm_of(self, session: Session, req_id: int) -> str:
        wanted = self._asked.get(session, {}).get(req_id)
        if wanted is None:
            return ""
        known = self._gateway.house.brokerage.universe.by_con_id.get(wanted.con_id)
        return notices.farm_of(known.sec_type if known is not None else wanted.sec_type)

    # What happens at once.

    def _notice(self, connection: Connection, code: int, fault: Fault) -> None:
        text = notices.text(code, farm=fault.values.get("farm", "usfarm"))
        self._gateway.house.error(connection.session, -1, code, text)

    def _data_lost(self, fault: Fault, connection: Connection, now_s: float) -> None:
        self._notice(connection, 1101, fault)
        self._gateway.lose_data(connection.session)

    def _error(self, fault: Fault, connection: Connection, now_s: float) -> None:
        code = fault.whole("code")
        text = fault.text("text") or notices.text(code)
        self._gateway.house.error(connection.session, fault.whole("id"), code, text)

    def _competing(self, fault: Fault, connection: Connection, now_s: float) -> None:
        asked = list(self._asked.get(connection.session, {})) or [-1]
        for n in range(min(fault.whole("count"), MOST_REMEMBERED)):
            self._gateway.house.error(connection.session, asked[n % len(asked)], 10197, notices.text(10197))

    def _garbage(self, fault: Fault, connection: Connection, now_s: float) -> None:
        noise = random.Random(fault.whole("seed")).randbytes(min(fault.whole("bytes"), frames.MAX_FRAME))
        head = len(noise).to_bytes(4, "big") if fault.values["framed"] else b""
        connection.session.push(head + noise, 0, 0, now_s)

    def _truncated(self, fault: Fault, connection: Connection, now_s: float) -> None:
        cut = b"4\x002\0-1\x002104\0".ljust(fault.whole("bytes"), b"x")[: fault.whole("bytes")]
        connection.session.push((fault.whole("length") & 0xFFFFFFFF).to_bytes(4, "big") + cut, 0, 0, now_s)
        self._gateway.hang_up(connection)

    def _wrong_length(self, fault: Fault, connection: Connection, now_s: float) -> None:
        wrong = (fault.whole("length") & 0xFFFFFFFF).to_bytes(4, "big")
        connection.session.push(wrong + frames.current_time(0)[4:], 0, 0, now_s)


def _concerned(do: str, code: int) -> tuple[int, ...]:
    """Messages that a refusal with this code is an answer to."""
    if do == "reject_orders":
        return (ORDER,)
    if code == 162:
        return notices.HISTORY
    return (*notices.QUOTES, *notices.HISTORY, *notices.DEFINITIONS) if code == 200 else notices.QUOTES
