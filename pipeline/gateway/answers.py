"""The answer to each request of a client: frames for it, events for everybody. No socket, no clock of its own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from pipeline.gateway import days, reports, requests, wire, wire_contracts, wire_orders
from pipeline.gateway.brokerage import Brokerage, Event, no_definition
from pipeline.gateway.lines import Lines
from pipeline.gateway.listing import MARKET_RULES
from pipeline.gateway.requests import BadRequest
from pipeline.gateway.session import Session
from pipeline.gateway.universe import Description, Instrument

FARMS = (
    (2104, "Market data farm connection is OK:usfarm"),
    (2104, "Market data farm connection is OK:usfuture"),
    (2106, "HMDS data farm connection is OK:ushmds"),
    (2158, "Sec-def data farm connection is OK:secdefil"),
)
GENERIC_TICKS = {100, 101, 104, 105, 106, 165, 221, 225, 232, 233, 236, 256, 258, 292, 293, 294, 295, 318, 375, 411}
GENERIC_TICKS |= {456, 460, 499, 506, 512, 547, 576, 577, 586, 588, 595, 614, 619, 623, 645, 662, 663, 687, 706}
TICKER_CODE = "9c0001"


class Answers:
    """Answers over one brokerage and one set of market-data lines."""

    def __init__(self, brokerage: Brokerage, lines: Lines) -> None:
        self.brokerage, self.lines = brokerage, lines
        self._by_type: dict[type, Callable[[Session, Any], list[Event] | None]] = {
            requests.MktData: self._market_data,
            requests.MarketDataType: self._market_data_type,
            requests.ContractDetails: self._contract_details,
            requests.SecDefOptParams: self._option_parameters,
            requests.MatchingSymbols: self._matching,
            requests.MarketRule: self._market_rule,
            requests.AccountSummary: self._summary,
            requests.AccountUpdates: self._updates,
            requests.AccountUpdatesMulti: self._updates_multi,
            requests.PositionsMulti: self._positions_multi,
            requests.PnL: self._pnl,
            requests.PlaceOrder: self._place,
            requests.Executions: self._executions,
            requests.Plain: self._plain,
        }

    @property
    def now_ms(self) -> int:
        return self.brokerage.market.now_ns // 1_000_000

    def greet(self, session: Session) -> None:
        """What follows startApi."""
        session.send(wire.managed_accounts(self.brokerage.accounts))
        session.send(wire.next_valid_id(self.brokerage.next_valid_id(session.client_id)))
        for code, text in FARMS:
            self.error(session, -1, code, text)

    def error(self, session: Session, req_id: int, code: int, text: str) -> None:
        session.send(wire.error(session.sv, req_id, code, text, self.now_ms))

    def answer(self, session: Session, request: requests.Request) -> Sequence[Event]:
        """Answer one request; events that others must hear of come back. BadRequest where TWS refuses."""
        if isinstance(request, requests.StartApi):
            raise BadRequest(-1, 321, "Error validating request.-'bK' : cause - The API was started already")
        return self._by_type[type(request)](session, request) or ()

    # Contracts.

    def _contract_details(self, session: Session, asked: requests.ContractDetails) -> None:
        found = self.brokerage.universe.find(asked.contract)
        if not found:
            raise BadRequest(asked.req_id, 200, no_definition(found, asked.contract.symbol))
        for x in found:
            exchange = asked.contract.exchange or x.exchange
            session.send(
                wire_contracts.contract_details(session.sv, asked.req_id, x, self.brokerage.universe, exchange)
            )
        session.send(wire_contracts.contract_details_end(asked.req_id))

    def _option_parameters(self, session: Session, asked: requests.SecDefOptParams) -> None:
        under = self.brokerage.universe.by_con_id.get(asked.under_con_id)
        if under is None or (under.symbol, under.sec_type) != (asked.symbol, asked.under_sec_type):
            raise BadRequest(asked.req_id, 321, "Error validating request.-'bZ' : cause - Invalid contract id")
        options = [] if under.sec_type == "FUT" else self.brokerage.universe.options(under.symbol)
        session.send(*wire_contracts.option_parameters(asked.req_id, under, options))

    def _matching(self, session: Session, asked: requests.MatchingSymbols) -> None:
        universe = self.brokerage.universe
        found = universe.matching(asked.pattern)
        session.send(wire_contracts.symbol_samples(session.sv, asked.req_id, found, universe))

    def _market_rule(self, session: Session, asked: requests.MarketRule) -> None:
        if asked.rule_id not in MARKET_RULES:
            raise BadRequest(-1, 321, f"Error validating request.-'cb' : cause - Unknown market rule {asked.rule_id}")
        session.send(wire_contracts.market_rule(asked.rule_id))

    def _one(self, req_id: int, wanted: Description) -> Instrument:
        """The one contract that is described; an exchange must be named, as TWS wants it."""
        found = self.brokerage.universe.find(wanted)
        if len(found) != 1:
            raise BadRequest(req_id, 200, no_definition(found, wanted.symbol))
        if not wanted.exchange:
            raise BadRequest(req_id, 321, "Error validating request.-'bQ' : cause - Please enter exchange")
        return found[0]

    # Market data.

    def _market_data_type(self, session: Session, asked: requests.MarketDataType) -> None:
        if asked.kind not in (1, 2, 3, 4):
            text = f"Error validating request.-'bN' : cause - Incorrect market data type {asked.kind}. Must be 1 to 4"
            raise BadRequest(-1, 321, text)

    def _market_data(self, session: Session, asked: requests.MktData) -> None:
        if asked.req_id in session.lines:
            raise BadRequest(asked.req_id, 322, "Error processing request.-'bQ' : cause - Duplicate ticker id")
        x = self._one(asked.req_id, asked.contract)
        wrong = [tick for tick in _generic(asked.generic_ticks) if not tick.isdigit() or int(tick) not in GENERIC_TICKS]
        if wrong:
            text = f"Error validating request.-'bQ' : cause - Incorrect generic tick list of {','.join(wrong)}."
            raise BadRequest(asked.req_id, 321, text)
        if not asked.snapshot and not self.lines.room_for(x.con_id):
            raise BadRequest(asked.req_id, 101, "Max number of tickers has been reached")
        session.send(wire.market_data_type(asked.req_id, 1))
        session.send(wire.tick_req_params(asked.req_id, x.min_tick, TICKER_CODE, 3))
        self.lines.picture(session, asked.req_id, x)
        if asked.snapshot:
            session.send(wire.snapshot_end(asked.req_id))
        else:
            self.lines.add(session, asked.req_id, x)

    # Accounts.

    def _account(self, req_id: int, name: str) -> str:
        """An account that exists; empty where the protocol lets it be."""
        if name and name not in self.brokerage.accounts:
            raise BadRequest(req_id, 321, f"Error validating request.-'bT' : cause - Invalid account code '{name}'.")
        return name

    def _updates(self, session: Session, asked: requests.AccountUpdates) -> None:
        account = self._account(-1, asked.account)
        watching = session.watching
        watching.sent.pop(reports.UPDATES, None)
        watching.updates = ""
        if asked.subscribe:
            watching.updates = account or next(iter(self.brokerage.accounts))
            session.send(*reports.updates(session, self.brokerage, None))
            session.send(wire.account_download_end(watching.updates))

    def _updates_multi(self, session: Session, asked: requests.AccountUpdatesMulti) -> None:
        self._account(asked.req_id, asked.account)
        self._no_model(asked.req_id, asked.model)
        session.watching.multi[asked.req_id] = asked
        session.watching.sent.pop(asked.req_id, None)
        session.send(*reports.multi(session, self.brokerage, asked))
        session.send(wire.account_update_multi_end(asked.req_id))

    def _summary(self, session: Session, asked: requests.AccountSummary) -> None:
        if asked.group != "All":
            self._account(asked.req_id, asked.group)
        if len(session.watching.summary) >= 2 and asked.req_id not in session.watching.summary:
            raise BadRequest(asked.req_id, 322, "Error processing request.-'bV' : cause - Maximum number of account "
                             "summary requests exceeded")  # fmt: skip
        session.watching.summary[asked.req_id] = asked
        session.watching.sent.pop(asked.req_id, None)
        session.send(*reports.summary(session, self.brokerage, asked))
        session.send(wire.account_summary_end(asked.req_id))

    def _positions(self, session: Session) -> None:
        session.watching.positions = True
        for account in self.brokerage.accounts.values():
            session.send(*reports.positions(self.brokerage, account, reports.held(account)))
        session.send(wire.position_end())

    def _positions_multi(self, session: Session, asked: requests.PositionsMulti) -> None:
        self._account(asked.req_id, asked.account)
        self._no_model(asked.req_id, asked.model)
        session.watching.positions_multi[asked.req_id] = asked
        for account in reports.wanted(self.brokerage, asked.account):
            session.send(*reports.positions(self.brokerage, account, reports.held(account), asked.req_id))
        session.send(wire.position_multi_end(asked.req_id))

    def _pnl(self, session: Session, asked: requests.PnL) -> None:
        name = self._account(asked.req_id, asked.account)
        if not name:
            raise BadRequest(asked.req_id, 321, "Error validating request.-'bT' : cause - Invalid account code ''.")
        if asked.con_id and asked.con_id not in self.brokerage.accounts[name].positions:
            text = f"Error validating request.-'cd' : cause - No position in contract {asked.con_id}"
            raise BadRequest(asked.req_id, 321, text)
        session.watching.pnl[asked.req_id] = asked
        frame = session.watching.pnl_sent[asked.req_id] = reports.pnl(self.brokerage, asked)
        session.send(frame)

    @staticmethod
    def _no_model(req_id: int, model: str) -> None:
        if model:
            raise BadRequest(req_id, 321, f"Error validating request.-'bT' : cause - Unknown model '{model}'")

    # Orders.

    def _place(self, session: Session, asked: requests.PlaceOrder) -> list[Event]:
        if not asked.what_if:
            return self.brokerage.place(session.client_id, asked)
        order, preview = self.brokerage.preview(session.client_id, asked)
        x = self.brokerage.universe.by_con_id[order.con_id]
        session.send(wire_orders.open_order(session.sv, order, x, preview))
        return []

    def _orders(self, session: Session, mine: bool) -> None:
        for order in self.brokerage.live_orders():
            if not mine or order.client_id == session.client_id:
                x = self.brokerage.universe.by_con_id[order.con_id]
                session.send(wire_orders.open_order(session.sv, order, x), wire_orders.order_status(order))
        session.send(wire_orders.open_order_end())

    def _completed(self, session: Session) -> None:
        for order in self.brokerage.completed:
            x = self.brokerage.universe.by_con_id[order.con_id]
            session.send(wire_orders.completed_order(session.sv, order, x))
        session.send(wire_orders.completed_orders_end())

    def _executions(self, session: Session, asked: requests.Executions) -> None:
        fits = [fill for fill in self.brokerage.fills if self._wanted(fill, asked)]
        for fill in fits:
            x = self.brokerage.universe.by_con_id[fill.con_id]
            session.send(wire_orders.execution(session.sv, asked.req_id, fill, x))
        session.send(wire_orders.executions_end(asked.req_id))
        session.send(*(wire_orders.commission(fill) for fill in fits))

    def _wanted(self, fill: Any, asked: requests.Executions) -> bool:
        x = self.brokerage.universe.by_con_id[fill.con_id]
        side = {"BOT": "BUY", "SLD": "SELL"}.get(asked.side.upper(), asked.side.upper())
        since = asked.since.replace("-", " ").split(" ")
        time = f"{days.new_york(fill.time_ns):%Y%m%d %H:%M:%S}"
        return (
            (not asked.client_id or fill.client_id == asked.client_id)
            and asked.account in ("", fill.account)
            and asked.symbol in ("", x.symbol)
            and asked.sec_type in ("", x.sec_type)
            and asked.exchange in ("", fill.exchange)
            and side in ("", fill.action)
            and (not asked.since or time >= " ".join(part for part in since[:3] if part)[:17])
        )

    # Requests without arguments.

    def _plain(self, session: Session, asked: requests.Plain) -> list[Event] | None:
        watching, req_id = session.watching, asked.req_id
        match asked.name:
            case "cancelMktData":
                if not self.lines.remove(session, req_id):
                    raise BadRequest(req_id, 300, f"Can't find EId with tickerId:{req_id}")
            case "cancelAccountSummary":
                watching.summary.pop(req_id, None)
            case "cancelAccountUpdatesMulti":
                watching.multi.pop(req_id, None)
            case "cancelPositions":
                watching.positions = False
            case "cancelPositionsMulti":
                watching.positions_multi.pop(req_id, None)
            case "cancelPnL":
                if watching.pnl.pop(req_id, None) is None:
                    raise BadRequest(req_id, 10186, f"Can't find EId with reqId:{req_id}")
            case "cancelOrder":
                return self.brokerage.cancel(session.client_id, req_id)
            case "globalCancel":
                return self.brokerage.cancel_all()
            case _:
                self._question(session, asked)
        return None

    def _question(self, session: Session, asked: requests.Plain) -> None:
        now_ns = self.brokerage.market.now_ns
        match asked.name:
            case "positions":
                self._positions(session)
            case "openOrders" | "autoOpenOrders":
                self._orders(session, mine=True)
            case "allOpenOrders":
                self._orders(session, mine=False)
            case "completedOrders":
                self._completed(session)
            case "ids":
                session.send(wire.next_valid_id(self.brokerage.next_valid_id(session.client_id)))
            case "managedAccts":
                session.send(wire.managed_accounts(self.brokerage.accounts))
            case "currentTime":
                session.send(wire.current_time(now_ns // days.NS))
            case "currentTimeInMillis":
                session.send(wire.current_time_ms(now_ns // 1_000_000))
            case "familyCodes":
                codes = [(name, "") for name in self.brokerage.accounts]
                session.send(wire.frame(78, len(codes), *(part for code in codes for part in code)))
            case "userInfo":
                session.send(wire.frame(107, asked.req_id, ""))
            case "softDollarTiers":
                session.send(wire.frame(77, asked.req_id, 0))


def _generic(text: str) -> list[str]:
    return [tick.split(":")[0].strip() for tick in text.split(",") if tick.strip() and "mdoff" not in tick]
