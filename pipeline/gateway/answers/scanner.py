"""Answers of the market scanner: its parameters, and rankings that are told anew as the market moves."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from pipeline.gateway.answers.area import Answer, Area, House, PlainAnswer
from pipeline.gateway.asks.request import BadRequest, Request
from pipeline.gateway.asks.scanner import Scan
from pipeline.gateway.market import scans
from pipeline.gateway.market.instruments import Instrument
from pipeline.gateway.session import Session
from pipeline.gateway.tells import scanner as tell

REFRESH_S = 30.0
MOST_SCANS = 10
KEEP_ROWS_S = 5.0  # figures of a contract are computed once in so many seconds
SERVICE = "Historical Market Data Service error message:"


@dataclass
class Running:
    """A subscription, and when its results were told last."""

    asked: Scan
    filters: list[tuple[str, float]]
    at_s: float


class Scanner(Area):
    """Subscriptions of all clients; TWS allows ten."""

    def __init__(self, house: House) -> None:
        super().__init__(house)
        self._running: dict[tuple[Session, int], Running] = {}
        self._rows: dict[int, tuple[float, scans.Row]] = {}
        self._now_s = 0.0

    def answers(self) -> Mapping[type[Request], Answer]:
        return {Scan: self._scan}

    def plain(self) -> Mapping[str, PlainAnswer]:
        return {
            "cancelScan": self._cancel,
            "scannerParameters": lambda session, _: session.send(tell.scanner_parameters()),
        }

    def cycle(self, now_s: float) -> None:
        self._now_s = now_s
        for (session, req_id), running in self._running.items():
            if now_s - running.at_s >= REFRESH_S:
                running.at_s = now_s
                session.send(tell.scanner_data(req_id, self._found(running)))

    def forget(self, session: Session) -> None:
        self._running = {key: running for key, running in self._running.items() if key[0] is not session}

    def _scan(self, session: Session, asked: Scan) -> None:
        busy = "Error processing request.-'co' : cause - "
        if (session, asked.req_id) in self._running:
            raise BadRequest(asked.req_id, 322, f"{busy}Duplicate ticker ID for API scanner subscription")
        if len(self._running) >= MOST_SCANS:
            text = f"{busy}Only {MOST_SCANS} simultaneous API scanner subscriptions are allowed."
            raise BadRequest(asked.req_id, 322, text)
        running = Running(asked, _filters(asked), self._now_s)
        found = self._found(running)
        self._running[session, asked.req_id] = running
        session.send(tell.scanner_data(asked.req_id, found))
        if not found:
            text = "Historical Market Data Service query message:no items retrieved"
            self.house.error(session, asked.req_id, 165, text)

    def _cancel(self, session: Session, req_id: int) -> None:
        if self._running.pop((session, req_id), None) is None:
            raise BadRequest(req_id, 365, f"No scanner subscription found for ticker id:{req_id}")
        raise BadRequest(req_id, 162, f"{SERVICE}API scanner subscription cancelled: {req_id}")

    def _found(self, running: Running) -> list[Instrument]:
        asked = running.asked
        rows = [self._row(x) for x in scans.pool(self.house.lines.tape, asked.instrument, asked.location)]
        count = scans.MOST_ROWS if asked.rows < 0 else asked.rows
        return scans.scan(rows, asked.code, running.filters)[:count]

    def _row(self, x: Instrument) -> scans.Row:
        at_s, row = self._rows.get(x.con_id, (-math.inf, None))
        if row is None or self._now_s - at_s >= KEEP_ROWS_S:
            row = scans.row(self.house.lines.tape, self.house.charts, x)
            self._rows[x.con_id] = self._now_s, row
        return row


def _filters(asked: Scan) -> list[tuple[str, float]]:
    """Bounds by tag; a scan that TWS does not know is refused."""
    if asked.instrument not in scans.INSTRUMENTS or asked.location not in scans.LOCATIONS:
        text = f"{SERVICE}Error: Market Scanner is not configured for one of the chosen locations."
        raise BadRequest(asked.req_id, 162, text)
    if asked.code not in scans.CODES:
        raise BadRequest(asked.req_id, 162, f"{SERVICE}Scanner type with code {asked.code} is disabled.")
    fields = {"priceAbove": asked.above_price, "priceBelow": asked.below_price, "volumeAbove": asked.above_volume}
    found = [(tag, bound) for tag, bound in fields.items() if not math.isnan(bound)]
    for tag, text in asked.filters:
        try:
            found.append((tag, float(text)))
        except ValueError:
            raise BadRequest(asked.req_id, 321, _invalid(tag, text)) from None
        if tag not in scans.FILTERS:
            raise BadRequest(asked.req_id, 321, _invalid(tag, text))
    return found


def _invalid(tag: str, text: str) -> str:
    return f"Error validating request.-'co' : cause - Scanner filter {tag[:40]}={text[:40]} is not supported"
