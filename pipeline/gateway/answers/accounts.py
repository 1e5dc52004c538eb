"""Answers about accounts, positions, profit and loss; their watchers hear of changes and every few minutes."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace

from pipeline.gateway.answers import reports
from pipeline.gateway.answers.area import Answer, Area, House, PlainAnswer
from pipeline.gateway.asks.accounts import AccountSummary, AccountUpdates, AccountUpdatesMulti, PnL, PositionsMulti
from pipeline.gateway.asks.request import BadRequest, Request
from pipeline.gateway.broker.bank import ALL
from pipeline.gateway.broker.brokerage import Event, Filled
from pipeline.gateway.session import Session
from pipeline.gateway.tells import accounts as tell

NO_ID = 2147483647  # what TWS puts where the request had no id
MOST_SUMMARIES = 2
MOST_SUBSCRIPTIONS = 200  # of one kind and one client; TWS names no limit, memory does
SHOWN = 40  # characters of a name that is refused
PROCESSING = "Error processing request.-'bV' : cause - "
UNSUBSCRIBED = "API client has been unsubscribed from account data."
INVALID = "Error validating request.-'bT' : cause - "


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
            "cancelAccountSummary": lambda session, req_id: _drop(session, session.watching.summary, req_id),
            "cancelAccountUpdatesMulti": lambda session, req_id: _drop(session, session.watching.multi, req_id),
            "cancelPositions": self._cancel_positions,
            "cancelPositionsMulti": lambda session, req_id: _drop(session, session.watching.positions_multi, req_id),
            "cancelPnL": lambda session, req_id: _cancel_pnl(session, req_id, 10185, "PNL"),
            "cancelPnLSingle": lambda session, req_id: _cancel_pnl(session, req_id, 10186, "PNL single"),
        }

    def cycle(self, now_s: float) -> None:
        if now_s - self._pnl_told >= self.house.limits.pnl_every_s:
            self._pnl_told = now_s
            self._tell_pnl()
        for session, told in self._told.items():
            if now_s - told >= self.house.limits.account_every_s:
                self._told[session] = now_s
                self._tell_values(session, None)
                for wanted in session.watching.summary.values():
                    session.send(*reports.summary(session, self.house.brokerage, wanted))

    def heard(self, events: Sequence[Event]) -> None:
        moved: dict[str, set[int]] = {}
        for event in events:
            if isinstance(event, Filled):
                moved.setdefault(event.fill.account, set()).add(event.fill.con_id)
        if moved:
            self.tell_moved(moved)

    def tell_moved(self, moved: dict[str, set[int]]) -> None:
        """Positions have changed: by account, the contracts."""
        for session in self.house.open_sessions():
            self._tell_positions(session, moved)
            self._tell_values(session, moved)

    def forget(self, session: Session) -> None:
        self._told.pop(session, None)

    # Questions.

    def _members(self, req_id: int, name: str) -> list[str]:
        """The accounts that a name stands for; all where the protocol lets it be empty."""
        found = self.house.brokerage.bank.members(name or ALL)
        if not found:
            raise BadRequest(req_id, 321, f"{INVALID}Invalid account code '{name[:SHOWN]}'.")
        return found

    def _updates(self, session: Session, asked: AccountUpdates) -> None:
        bank, watching = self.house.brokerage.bank, session.watching
        if not asked.account and len(bank.accounts) > 1 and asked.subscribe:
            raise BadRequest(NO_ID, 321, INVALID + "The account code is required for this operation.")
        account = asked.account or next(iter(bank.accounts))
        if asked.account:
            self._members(NO_ID, account)
        if watching.updates and (not asked.subscribe or watching.updates != account):
            self.house.error(session, -1, 2100, UNSUBSCRIBED)
        watching.sent.pop(reports.UPDATES, None)
        watching.updates = ""
        if asked.subscribe:
            watching.updates = account
            session.send(*reports.updates(session, self.house.brokerage, None))
            session.send(tell.account_download_end(watching.updates))
            self._told.setdefault(session, time.monotonic())

    def _updates_multi(self, session: Session, asked: AccountUpdatesMulti) -> None:
        self._members(asked.req_id, asked.account)
        self._check_model(asked.req_id, asked.model)
        if asked.req_id in session.watching.multi:
            raise BadRequest(asked.req_id, 322, PROCESSING + "Duplicate ticker id")
        _check_room(asked.req_id, session.watching.multi)
        session.watching.multi[asked.req_id] = asked
        session.watching.sent.pop(asked.req_id, None)
        session.send(*reports.multi(session, self.house.brokerage, asked))
        session.send(tell.account_update_multi_end(asked.req_id))
        self._told.setdefault(session, time.monotonic())

    def _summary(self, session: Session, asked: AccountSummary) -> None:
        self._check_summary(asked)
        summaries = session.watching.summary
        if len(summaries) >= MOST_SUMMARIES and asked.req_id not in summaries:
            text = "Maximum number of account summary requests exceeded; desubscribe to previous request first"
            raise BadRequest(asked.req_id, 322, PROCESSING + text)
        summaries[asked.req_id] = asked = replace(asked, tags=reports.short_tags(asked.tags))
        session.watching.sent.pop(asked.req_id, None)
        session.send(*reports.summary(session, self.house.brokerage, asked))
        session.send(tell.account_summary_end(asked.req_id))
        self._told.setdefault(session, time.monotonic())

    def _check_summary(self, asked: AccountSummary) -> None:
        bank = self.house.brokerage.bank
        groups = bank.advisor.groups if bank.advisor is not None else {}
        if not asked.tags.strip():
            raise BadRequest(asked.req_id, 321, INVALID + "Tags cannot be null")
        if not asked.group:
            raise BadRequest(asked.req_id, 321, INVALID + "Group name cannot be null")
        if asked.group != ALL and asked.group not in groups:
            raise BadRequest(asked.req_id, 321, INVALID + "Group name is invalid")

    def _positions(self, session: Session, _req_id: int) -> None:
        session.watching.positions = True
        for account in self.house.brokerage.accounts.values():
            session.send(*reports.positions(self.house.brokerage, account, reports.held(account)))
        session.send(tell.position_end())

    def _positions_multi(self, session: Session, asked: PositionsMulti) -> None:
        brokerage = self.house.brokerage
        self._members(asked.req_id, asked.account)
        self._check_model(asked.req_id, asked.model)
        _check_room(asked.req_id, session.watching.positions_multi)
        session.watching.positions_multi[asked.req_id] = asked
        for account in reports.wanted(brokerage, asked.account, asked.model):
            session.send(*reports.positions(brokerage, account, reports.held(account), asked.req_id, asked.model))
        session.send(tell.position_multi_end(asked.req_id))

    def _pnl(self, session: Session, asked: PnL) -> None:
        bank = self.house.brokerage.bank
        if not asked.account.strip():
            raise BadRequest(asked.req_id, 321, INVALID + "Account must not be empty")
        if not bank.members(asked.account):
            raise BadRequest(asked.req_id, 321, INVALID + "Invalid account code")
        self._check_model(asked.req_id, asked.model)
        if asked.req_id in session.watching.pnl:
            raise BadRequest(asked.req_id, 102, "Duplicate ticker id")
        _check_room(asked.req_id, session.watching.pnl)
        session.watching.pnl[asked.req_id] = asked
        self._tell_one_pnl(session, asked)

    def _check_model(self, req_id: int, model: str) -> None:
        advisor = self.house.brokerage.bank.advisor
        if model and (advisor is None or model not in advisor.models):
            raise BadRequest(req_id, 321, f"{INVALID}Unknown model '{model[:SHOWN]}'")

    @staticmethod
    def _cancel_positions(session: Session, _req_id: int) -> None:
        session.watching.positions = False

    # What watchers are told.

    def _tell_positions(self, session: Session, moved: dict[str, set[int]]) -> None:
        brokerage = self.house.brokerage
        for name, con_ids in moved.items():
            if session.watching.positions:
                session.send(*reports.positions(brokerage, brokerage.accounts[name], sorted(con_ids)))
            for req_id, asked in session.watching.positions_multi.items():
                if name in brokerage.bank.members(asked.account or ALL):
                    account = brokerage.bank.account(name, asked.model)
                    session.send(*reports.positions(brokerage, account, sorted(con_ids), req_id, asked.model))

    def _tell_values(self, session: Session, moved: dict[str, set[int]] | None) -> None:
        """Account values that changed; `moved` None: the three-minute report with the whole portfolio."""
        brokerage, watching = self.house.brokerage, session.watching
        if watching.updates:
            members = brokerage.bank.members(watching.updates)
            places = None if moved is None else {c for name in members for c in moved.get(name, ())}
            if places is None or places:
                session.send(*reports.updates(session, brokerage, None if places is None else sorted(places)))
        for asked in watching.multi.values():
            members = brokerage.bank.members(asked.account or ALL)
            if moved is None or not moved.keys().isdisjoint(members):
                session.send(*reports.multi(session, brokerage, asked))

    def _tell_pnl(self) -> None:
        for session in self.house.open_sessions():
            for asked in session.watching.pnl.values():
                self._tell_one_pnl(session, asked)

    def _tell_one_pnl(self, session: Session, asked: PnL) -> None:
        told = reports.pnl(self.house.brokerage, asked)
        if told is not None and session.watching.pnl_sent.get(asked.req_id) != told:
            session.watching.pnl_sent[asked.req_id] = told
            session.send(told)


def _check_room(req_id: int, watched: Mapping[int, object]) -> None:
    if req_id not in watched and len(watched) >= MOST_SUBSCRIPTIONS:
        text = f"Maximum number of requests exceeded: {MOST_SUBSCRIPTIONS}"
        raise BadRequest(req_id, 322, PROCESSING + text)


def _cancel_pnl(session: Session, req_id: int, code: int, what: str) -> None:
    session.watching.pnl_sent.pop(req_id, None)
    if session.watching.pnl.pop(req_id, None) is None:
        raise BadRequest(req_id, code, f"Failed to cancel {what} (not subscribed)")


def _drop(session: Session, watched: dict[int, object], req_id: int) -> None:
    watched.pop(req_id, None)
    session.watching.sent.pop(req_id, None)
