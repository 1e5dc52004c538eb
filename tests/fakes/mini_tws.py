"""A small TWS for tests of ingest: two accounts, a few contracts, ticks on command; it keeps what it sent."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field

from tests.fakes.scripted_tws import ScriptedTws, Session, frame

# con_id: symbol, secType, expiry, strike, right, multiplier, underConId
CONTRACTS = {
    1: ("AAPL", "STK", "", "0", "", "", 0),
    2: ("MSFT", "STK", "", "0", "", "", 0),
    3: ("SPX", "IND", "", "0", "", "", 0),
    4: ("SPX", "OPT", "20270115", "5000", "C", "100", 3),
    5: ("AAPL", "OPT", "20270115", "200", "P", "100", 1),
    6: ("TSLA", "STK", "", "0", "", "", 0),
}


@dataclass
class MiniTws:
    """`positions[account][con_id] = quantity`; change it between connections."""

    positions: dict[str, dict[int, int]] = field(default_factory=lambda: {"DU1": {2: 100, 4: -1}, "DU2": {5: 2, 4: 1}})
    values: dict[str, str] = field(default_factory=lambda: {"NetLiquidation": "100000.5", "Cushion": ""})
    answer_values: bool = True
    refuse: dict[int, tuple[int, str]] = field(default_factory=dict)  # con_id → code, text of reqMktData

    def __post_init__(self) -> None:
        self.requests: list[list[str]] = []
        self.lines: dict[int, int] = {}  # request → con_id
        self.cancelled: list[int] = []
        self.tick_frames = 0
        self.sent_ticks: list[tuple[int, int, str, str]] = []  # con_id, type, price, size
        self.session: Session | None = None
        self.lock = threading.Lock()
        self.server = ScriptedTws(self._script)
        self.port = self.server.port

    def restart(self) -> None:
        """Listen again at the same port, with no line asked for."""
        self.lines = {}
        self.server = ScriptedTws(self._script, self.port)

    def stop(self) -> None:
        self.server.close()

    def close_connection(self) -> None:
        """As a gateway that was killed."""
        self.stop()

    # What it sends.

    def tick(self, con_id: int, kind: int, price: str, size: str, count: int = 1) -> None:
        """`count` tickPrice frames to whoever has a line."""
        with self.lock:
            assert self.session is not None
            request = next(r for r, c in self.lines.items() if c == con_id and r not in self.cancelled)
            self.session.send(frame(1, 6, request, kind, price, size, 0) * count)
            self.tick_frames += count
            self.sent_ticks += [(con_id, kind, price, size)] * count

    def send(self, *parts: bytes) -> None:
        with self.lock:
            assert self.session is not None
            self.session.send(*parts)

    def request_of(self, con_id: int) -> int:
        return next(r for r, c in reversed(self.lines.items()) if c == con_id)

    def has_line(self, con_id: int) -> bool:
        return any(c == con_id and r not in self.cancelled for r, c in list(self.lines.items()))

    # What it answers.

    def _script(self, session: Session) -> None:
        session.greet(178, ",".join(self.positions))
        with self.lock:
            self.session, self.lines, self.cancelled = session, {}, []
        while True:
            fields = session.message()
            self.requests.append(fields)
            with self.lock:
                self._answer(session, fields)

    def _answer(self, session: Session, fields: list[str]) -> None:
        match fields[0]:
            case "49":
                session.send(frame(49, 1, int(time.time())))
            case "1":
                request, con_id = int(fields[2]), int(fields[3])
                if con_id in self.refuse:
                    code, text = self.refuse[con_id]
                    session.send(frame(4, 2, request, code, text, ""))
                else:
                    self.lines[request] = con_id
                    session.send(frame(58, 1, request, 1))
            case "2":
                self.cancelled.append(int(fields[2]))
            case "9":
                self._details(session, int(fields[2]), int(fields[3]), fields[4], fields[5])
            case "61":
                for account, held in self.positions.items():
                    for con_id, quantity in held.items():
                        session.send(frame(61, 3, account, *self._contract(con_id), quantity, "10.5"))
                session.send(frame(62, 1))
            case "74":
                for con_id, quantity in self.positions[fields[3]].items():
                    session.send(frame(71, 1, fields[2], fields[3], *self._contract(con_id), quantity, "10.5", ""))
                session.send(frame(72, 1, fields[2]))
            case "76":
                self._account_values(session, int(fields[2]), fields[3])
            case "6":
                if fields[2] == "1":
                    self._portfolio(session, fields[3])
            case "92":
                session.send(frame(94, fields[1], "10.5", "1.7976931348623157E308", "0.0"))
            case "81":
                row = (1, "AAPL", "STK", "NASDAQ", "USD", 1, "OPT", "APPLE INC", "")
                session.send(frame(79, fields[1], 1, *row))

    def _contract(self, con_id: int) -> tuple[object, ...]:
        symbol, kind, expiry, strike, right, multiplier, _ = CONTRACTS[con_id]
        return (con_id, symbol, kind, expiry, strike, right, multiplier, "", "USD", symbol, symbol)

    def _details(self, session: Session, request: int, con_id: int, symbol: str, kind: str) -> None:
        found = [
            number
            for number, row in CONTRACTS.items()
            if number == con_id or (con_id == 0 and row[0] == symbol and row[1] == kind)
        ]
        if not found:
            session.send(frame(4, 2, request, 200, "No security definition has been found for the request", ""))
            return
        number = found[0]
        symbol, kind, expiry, strike, right, multiplier, under = CONTRACTS[number]
        exchange = "CBOE" if kind == "IND" else "SMART"
        session.send(
            frame(
                10,
                request,
                symbol,
                kind,
                expiry,
                strike,
                right,
                exchange,
                "USD",
                symbol,
                symbol,
                symbol,
                number,
                "0.01",
                multiplier,
                "LMT,MKT",
                exchange,
                1,
                under,
                f"{symbol} INC",
                "NASDAQ",
                "",
                "",
                "",
                "",
                "US/Eastern",
                "",
                "",
                "",
                0,
                0,
                1,
                symbol if under else "",
                "IND" if under == 3 else "STK",
                "26",
                expiry,
                "COMMON",
                "1",
                "1",
                "1",
            ),
            frame(52, 1, request),
        )

    def _account_values(self, session: Session, request: int, account: str) -> None:
        if not self.answer_values:
            return
        for key, value in self.values.items():
            session.send(frame(73, 1, request, account, "", key, value, "USD"))
        session.send(frame(74, 1, request))

    def _portfolio(self, session: Session, account: str) -> None:
        for con_id, quantity in self.positions[account].items():
            contract = self._contract(con_id)
            row = (*contract[:7], "NASDAQ", *contract[8:], quantity, "11.0", 11.0 * quantity, "10.5", "0.5", "0.0")
            session.send(frame(7, 8, *row, account))
        session.send(frame(54, 1, account))
