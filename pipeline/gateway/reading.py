"""Requests read from a client's frames, by server version. Pure; a bad frame raises BadRequest and nothing else."""

from __future__ import annotations

import math
from collections.abc import Callable

from pipeline.gateway.refusals import REFUSED
from pipeline.gateway.requests import (
    AccountSummary,
    AccountUpdates,
    AccountUpdatesMulti,
    BadRequest,
    ContractDetails,
    Executions,
    MarketDataType,
    MarketRule,
    MatchingSymbols,
    MktData,
    PlaceOrder,
    Plain,
    PnL,
    PositionsMulti,
    Request,
    SecDefOptParams,
    StartApi,
)
from pipeline.gateway.universe import Description

UNSET_ABOVE = 1e300
UNSET_INT = 2147483647


class Fields:
    """The fields of one frame, read from the left; empty numbers are 0, as TWS takes them."""

    def __init__(self, fields: list[str], sv: int) -> None:
        self._fields, self._at, self.sv = fields, 0, sv
        self.req_id = -1

    def text(self) -> str:
        if self._at >= len(self._fields):
            raise BadRequest(self.req_id, 320, f"Error reading request. Expected a field {self._at + 1}, found none")
        self._at += 1
        return self._fields[self._at - 1]

    def skip(self, count: int = 1) -> None:
        for _ in range(count):
            self.text()

    def integer(self) -> int:
        text = self.text()
        try:
            value = int(text) if text else 0
        except ValueError:
            raise BadRequest(self.req_id, 320, f"Error reading request. Unable to parse data. '{text[:40]}'") from None
        if not -(1 << 63) <= value < 1 << 63:
            raise BadRequest(self.req_id, 320, f"Error reading request. Out of range: {value}")
        return value

    def decimal(self) -> float:
        """A double; nan where the client left it unset."""
        text = self.text()
        if text in ("", "Infinity", "Infinite"):
            return math.nan
        try:
            value = float(text)
        except ValueError:
            raise BadRequest(self.req_id, 320, f"Error reading request. Unable to parse data. '{text[:40]}'") from None
        return math.nan if not math.isfinite(value) or abs(value) > UNSET_ABOVE else value

    def flag(self) -> bool:
        return self.text() in ("1", "true", "True")

    def id(self) -> int:
        self.req_id = self.integer()
        return self.req_id

    def contract(self, primary: bool = True) -> Description:
        con_id, symbol, sec_type, expiry = self.integer(), self.text(), self.text(), self.text()
        strike, right, multiplier, exchange = self.decimal(), self.text(), self.text(), self.text()
        return Description(
            con_id, symbol, sec_type, expiry, 0.0 if math.isnan(strike) else strike, right, multiplier, exchange,
            self.text() if primary else "", self.text(), self.text(), self.text(),
        )  # fmt: skip

    def count(self, limit: int = 1000) -> int:
        count = self.integer()
        if not 0 <= count <= limit:
            raise BadRequest(self.req_id, 320, f"Error reading request. Expected a count up to {limit}, found {count}")
        return count


def split(payload: bytes) -> list[str]:
    """Fields of a frame; the last one ends with a NUL too."""
    return payload.decode("utf-8", "replace").removesuffix("\0").split("\0")


def decode(payload: bytes, sv: int) -> Request:
    """The request in one frame; BadRequest when it is none."""
    parts = split(payload)
    try:
        message = int(parts[0])
    except ValueError:
        raise BadRequest(-1, 320, f"Error reading request. Unable to parse data. '{parts[0][:40]}'") from None
    fields = Fields(parts[1:], sv)
    if message in READERS:
        return READERS[message](fields)
    if message in REFUSED:
        place, code, text = REFUSED[message]
        fields.skip(max(place, 0))
        raise BadRequest(fields.id() if place >= 0 else -1, code, text)
    raise BadRequest(-1, 320, f"Error reading request. Unknown message id {message}")


def _plain(name: str, place: int = -1) -> Callable[[Fields], Request]:
    """A reader of a request without arguments; `place` fields stand before its id (-1: it has none)."""

    def read(fields: Fields) -> Request:
        if place < 0:
            return Plain(name=name)
        fields.skip(place)
        return Plain(fields.id(), name)

    return read


def _start(f: Fields) -> Request:
    f.skip()
    return StartApi(client_id=f.integer())


def _market_data(f: Fields) -> Request:
    f.skip()
    req_id, contract = f.id(), f.contract()
    if contract.sec_type == "BAG":
        for _ in range(f.count()):
            f.skip(4)
        raise BadRequest(req_id, 321, "Error validating request.-'bQ' : cause - Combination market data is not offered")
    if f.flag():
        f.skip(3)
    return MktData(req_id, contract, f.text(), f.flag())


def _market_data_type(f: Fields) -> Request:
    f.skip()
    return MarketDataType(kind=f.integer())


def _contract_details(f: Fields) -> Request:
    f.skip()
    return ContractDetails(f.id(), f.contract())


def _sec_def(f: Fields) -> Request:
    return SecDefOptParams(f.id(), f.text(), f.text(), f.text(), f.integer())


def _matching(f: Fields) -> Request:
    return MatchingSymbols(f.id(), f.text())


def _market_rule(f: Fields) -> Request:
    return MarketRule(rule_id=f.integer())


def _summary(f: Fields) -> Request:
    f.skip()
    return AccountSummary(f.id(), f.text(), f.text())


def _updates(f: Fields) -> Request:
    f.skip()
    return AccountUpdates(subscribe=f.flag(), account=f.text())


def _updates_multi(f: Fields) -> Request:
    f.skip()
    return AccountUpdatesMulti(f.id(), f.text(), f.text(), f.flag())


def _positions_multi(f: Fields) -> Request:
    f.skip()
    return PositionsMulti(f.id(), f.text(), f.text())


def _pnl(f: Fields) -> Request:
    return PnL(f.id(), f.text())


def _pnl_single(f: Fields) -> Request:
    req_id, account = f.id(), f.text()
    f.skip()
    return PnL(req_id, account, f.integer())


def _executions(f: Fields) -> Request:
    f.skip()
    return Executions(f.id(), f.integer(), f.text(), f.text(), f.text(), f.text(), f.text(), f.text())


def _cancel_order(f: Fields) -> Request:
    if f.sv < 192:
        f.skip()
    return Plain(f.id(), "cancelOrder")


def _place_order(f: Fields) -> Request:
    """The fields that this TWS uses, and those that would change what the order means; the rest is skipped."""
    order_id, contract = f.id(), f.contract()
    f.skip(2)
    action, quantity, kind = f.text().upper(), f.decimal(), f.text().upper()
    limit, stop = f.decimal(), f.decimal()
    tif, oca, account, open_close = f.text() or "DAY", f.text(), f.text(), f.text()
    f.skip()
    ref, transmit, parent = f.text(), f.flag(), f.integer()
    f.skip(4)
    outside_rth = f.flag()
    f.skip()
    asked = ["a BAG"] if contract.sec_type == "BAG" else []
    if asked:
        _skip_legs(f)
    what_if, extras = _order_tail(f)
    asked += ["an OCA group"] * bool(oca) + ["a parent order"] * (parent not in (0, UNSET_INT)) + extras
    asked += ["a stop price"] * (kind in ("MKT", "LMT") and stop > 0.0)
    return PlaceOrder(
        order_id, contract, action, quantity, kind, limit, tif, account, open_close, ref, transmit, outside_rth,
        what_if, " and ".join(asked),
    )  # fmt: skip


def _skip_legs(f: Fields) -> None:
    for _ in range(f.count()):
        f.skip(8)
    f.skip(f.count())
    f.skip(2 * f.count())


def _order_tail(f: Fields) -> tuple[bool, list[str]]:
    """From the old shares-allocation field to the conditions: what-if, and what is asked for besides."""
    f.skip(7 + (1 if f.sv < 177 else 0))  # allocation, discretionary, good after and till, FA
    f.skip(5)  # model, short slot, location, exempt, OCA type
    f.skip(15)  # rule 80A … override
    f.skip(2)
    neutral = f.text()
    f.skip()
    if neutral:
        f.skip(8)
    f.skip(6)  # continuous … scale sizes
    increment = f.decimal()
    if increment > 0:
        f.skip(7)
    f.skip(3)
    hedge = f.text()
    if hedge:
        f.skip()
    f.skip(4)
    if f.flag():
        f.skip(3)
    algo = f.text()
    if algo:
        f.skip(2 * f.count())
    f.skip()
    what_if = f.flag()
    extras = [name for name, on in (("a hedge", hedge), ("an algorithm", algo), ("a scale", increment > 0)) if on]
    return what_if, extras


READERS: dict[int, Callable[[Fields], Request]] = {
    71: _start,
    1: _market_data,
    2: _plain("cancelMktData", 1),
    59: _market_data_type,
    9: _contract_details,
    78: _sec_def,
    81: _matching,
    91: _market_rule,
    62: _summary,
    63: _plain("cancelAccountSummary", 1),
    6: _updates,
    76: _updates_multi,
    77: _plain("cancelAccountUpdatesMulti", 1),
    61: _plain("positions"),
    64: _plain("cancelPositions"),
    74: _positions_multi,
    75: _plain("cancelPositionsMulti", 1),
    92: _pnl,
    93: _plain("cancelPnL", 0),
    94: _pnl_single,
    95: _plain("cancelPnL", 0),
    3: _place_order,
    4: _cancel_order,
    58: _plain("globalCancel"),
    5: _plain("openOrders"),
    16: _plain("allOpenOrders"),
    15: _plain("autoOpenOrders"),
    99: _plain("completedOrders"),
    7: _executions,
    8: _plain("ids"),
    17: _plain("managedAccts"),
    49: _plain("currentTime"),
    105: _plain("currentTimeInMillis"),
    14: _plain("setServerLogLevel"),
    79: _plain("softDollarTiers", 0),
    80: _plain("familyCodes"),
    104: _plain("userInfo", 0),
    # Cancels of what is never granted: TWS says nothing either when there is nothing to cancel.
    98: _plain("nothing", 0),
    11: _plain("nothing", 1),
    51: _plain("nothing", 1),
    90: _plain("nothing", 0),
    89: _plain("nothing", 0),
    23: _plain("nothing", 1),
    13: _plain("nothing"),
    56: _plain("nothing", 1),
    57: _plain("nothing", 1),
    101: _plain("nothing", 0),
    103: _plain("nothing", 0),
}
