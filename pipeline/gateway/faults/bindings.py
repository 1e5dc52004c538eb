"""Lasting faults on clients: which filter or valve each puts before them, and taking it away again."""

from __future__ import annotations

from collections.abc import Callable

from pipeline.gateway.connection import Connection, Valve
from pipeline.gateway.faults import filters, valves
from pipeline.gateway.faults.scenario import Fault
from pipeline.gateway.faults.schedule import Active
from pipeline.gateway.session import Filter, Phase, Session


class Bindings:
    """What stands before whom. `farm_of`: session, request id → the farm that the subscription's data come from."""

    def __init__(self, farm_of: Callable[[Session, int], str]) -> None:
        self._farm_of = farm_of
        self._bound: dict[Connection, dict[Active, Filter | Valve]] = {}

    def forget(self, connection: Connection) -> None:
        self._bound.pop(connection, None)

    def bind(self, active: Active, connection: Connection, now_s: float) -> None:
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

    def unbind(self, active: Active) -> None:
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
