"""Answers about accounts, positions, profit and loss; their watchers hear of changes and every few minutes."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence

from pipeline.gateway.answers import reports
from pipeline.gateway.answers.area import Answer, Area, House, PlainAnswer
from pipeline.gateway.asks.accounts import AccountSummary, AccountUpdates, AccountUpdatesMulti, PnL, PositionsMulti
from pipeline.gateway.asks.request import BadRequest, Request
from pipeline.gateway.broker.brokerage import Event, Filled
from pipeline.gateway.session import Session
from pipeline.gateway.tells import accounts as tell
from pipeline.gateway.tells.frames import frame


class Accounts(Area):
    """Account values, portfolio, positions, profit and loss."""

    def __init__(self, house: House) -> None:
        super().__init__(house)
        self._told: dict[Session, float] = {}  # the last three-minute report
        self._pnl_told = 0.0

    def answers(self) -> Mapping[type[Request], Answer]:
        return {
            AccountSummary: self._summary,
            AccountUpdates: self._updates,
            AccountUpdatesMulti: self._updates_multi,
            PositionsMulti: self._positions_multi,
            PnL: self._pnl,
        }

    def plain(self) -> Mapping[str, PlainAnswer]:
        return {
            "positions": self._positions,
            "familyCodes": self._family_codes,
            "cancelAccountSummary": lambda session, req_id: _drop(session.watching.summary, req_id),
            "cancelAccountUpdatesMulti": lambda session, req_id: _drop(session.watching.multi, req_id),
            "cancelPositions": self._cancel_positions,
            "cancelPositionsMulti": lambda session, req_id: _drop(session.watching.positions_multi, req_id),
            "cancelPnL": self._cancel_pnl,
        }

    def cycle(self, now_s: float) -> None:
        if now_s - self._pnl_told >= self.house.limits.pnl_every_s:
            self._pnl_told = now_s
            self._tell_pnl()
        for session, told in self._told.items():
            if now_s - told >= self.house.limits.account_every_s:
                self._told[session] = now_s
                self._tell_values(session, None)

    def heard(self, events: Sequence[Event]) -> None:
        moved: dict[str, set[int]] = {}
        for event in events:
            if isinstance(event, Filled):
                moved.setdefault(event.fill.account, set()).add(event.fill.con_id)
        if moved:
            for session in self.house.open_sessions():
                self._tell_positions(session, moved)
                self._tell_values(session, moved)

    def forget(self, session: Session) -> None:
        self._told.pop(session, None)

    # Questions.

    def _account(self, req_id: int, name: str) -> str:
        """An account that exists; empty where the protocol lets it be."""
        if name and name not in self.house.brokerage.accounts:
            raise BadRequest(req_id, 321, f"Error validating request.-'bT' : cause - Invalid account code '{name}'.")
        return name

    def _updates(self, session: Session, asked: AccountUpdates) -> None:
        account = self._account(-1, asked.account)
        watching = session.watching
        watching.sent.pop(reports.UPDATES, None)
        watching.updates = ""
        if asked.subscribe:
            watching.updates = account or next(iter(self.house.brokerage.accounts))
            session.send(*reports.updates(session, self.house.brokerage, None))
            session.send(tell.account_download_end(watching.updates))
            self._told.setdefault(session, time.monotonic())

    def _updates_multi(self, session: Session, asked: AccountUpdatesMulti) -> None:
        self._account(asked.req_id, asked.account)
        _no_model(asked.req_id, asked.model)
        session.watching.multi[asked.req_id] = asked
        session.watching.sent.pop(asked.req_id, None)
        session.send(*reports.multi(session, self.house.brokerage, asked))
        session.send(tell.account_update_multi_end(asked.req_id))
        self._told.setdefault(session, time.monotonic())

    def _summary(self, session: Session, asked: AccountSummary) -> None:
        if asked.group != "All":
            self._account(asked.req_id, asked.group)
        if len(session.watching.summary) >= 2 and asked.req_id not in session.watching.summary:
            raise BadRequest(asked.req_id, 322, "Error processing request.-'bV' : cause - Maximum number of account "
                             "summary requests exceeded")  # fmt: skip
        session.watching.summary[asked.req_id] = asked
        session.watching.sent.pop(asked.req_id, None)
        session.send(*reports.summary(session, self.house.brokerage, asked))
        session.send(tell.account_summary_end(asked.req_id))
        self._told.setdefault(session, time.monotonic())

    def _positions(self, session: Session, _req_id: int) -> None:
        session.watching.positions = True
        for account in self.house.brokerage.accounts.values():
            session.send(*reports.positions(self.house.brokerage, account, reports.held(account)))
        session.send(tell.position_end())

    def _positions_multi(self, session: Session, asked: PositionsMulti) -> None:
        brokerage = self.house.brokerage
        self._account(asked.req_id, asked.account)
        _no_model(asked.req_id, asked.model)
        session.watching.positions_multi[asked.req_id] = asked
        for account in reports.wanted(brokerage, asked.account):
            session.send(*reports.positions(brokerage, account, reports.held(account), asked.req_id))
        session.send(tell.position_multi_end(asked.req_id))

    def _pnl(self, session: Session, asked: PnL) -> None:
        brokerage = self.house.brokerage
        name = self._account(asked.req_id, asked.account)
        if not name:
            raise BadRequest(asked.req_id, 321, "Error validating request.-'bT' : cause - Invalid account code ''.")
        if asked.con_id and asked.con_id not in brokerage.accounts[name].positions:
            text = f"Error validating request.-'cd' : cause - No position in contract {asked.con_id}"
            raise BadRequest(asked.req_id, 321, text)
        session.watching.pnl[asked.req_id] = asked
        told = session.watching.pnl_sent[asked.req_id] = reports.pnl(brokerage, asked)
        session.send(told)

    def _family_codes(self, session: Session, _req_id: int) -> None:
        codes = [(name, "") for name in self.house.brokerage.accounts]
        session.send(frame(78, len(codes), *(part for code in codes for part in code)))

    @staticmethod
    def _cancel_positions(session: Session, _req_id: int) -> None:
        session.watching.positions = False

    @staticmethod
    def _cancel_pnl(session: Session, req_id: int) -> None:
        if session.watching.pnl.pop(req_id, None) is None:
            raise BadRequest(req_id, 10186, f"Can't find EId with reqId:{req_id}")

    # What watchers are told.

    def _tell_positions(self, session: Session, moved: dict[str, set[int]]) -> None:
        brokerage = self.house.brokerage
        for name, con_ids in moved.items():
            account = brokerage.accounts[name]
            if session.watching.positions:
                session.send(*reports.positions(brokerage, account, sorted(con_ids)))
            for req_id, asked in session.watching.positions_multi.items():
                if asked.account in ("", name):
                    session.send(*reports.positions(brokerage, account, sorted(con_ids), req_id))

    def _tell_values(self, session: Session, moved: dict[str, set[int]] | None) -> None:
        """Account values that changed; `moved` None: the three-minute report with the whole portfolio."""
        brokerage, watching = self.house.brokerage, session.watching
        if watching.updates and (moved is None or watching.updates in moved):
            places = None if moved is None else sorted(moved[watching.updates])
            session.send(*reports.updates(session, brokerage, places))
        for asked in watching.multi.values():
            session.send(*reports.multi(session, brokerage, asked))
        for wanted in watching.summary.values():
            session.send(*reports.summary(session, brokerage, wanted))

    def _tell_pnl(self) -> None:
        for session in self.house.open_sessions():
            for req_id, asked in session.watching.pnl.items():
                told = reports.pnl(self.house.brokerage, asked)
                if session.watching.pnl_sent.get(req_id) != told:
                    session.watching.pnl_sent[req_id] = told
                    session.send(told)


def _drop(watched: dict[int, object], req_id: int) -> None:
    watched.pop(req_id, None)


def _no_model(req_id: int, model: str) -> None:
    if model:
        raise BadRequest(req_id, 321, f"Error validating request.-'bT' : cause - Unknown model '{model}'")
