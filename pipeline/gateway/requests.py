"""What a client may ask, decoded from its frames by server version. Pure; a bad frame raises BadRequest alone."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from pipeline.gateway.universe import Description

UNSET_ABOVE = 1e300
UNSET_INT = 2147483647
NOTHING = Description()


class BadRequest(Exception):
    """A request that TWS would refuse: the id it belongs to (-1: none), TWS's code, TWS's text."""

    def __init__(self, req_id: int, code: int, text: str) -> None:
        super().__init__(text)
        self.req_id, self.code, self.text = req_id, code, text


@dataclass(frozen=True, slots=True)
class Request:
    """Any request; `req_id` is -1 where the protocol has none."""

    req_id: int = -1


@dataclass(frozen=True, slots=True)
class StartApi(Request):
    client_id: int = 0


@dataclass(frozen=True, slots=True)
class MktData(Request):
    contract: Description = NOTHING
    generic_ticks: str = ""
    snapshot: bool = False


@dataclass(frozen=True, slots=True)
class MarketDataType(Request):
    kind: int = 1


@dataclass(frozen=True, slots=True)
class ContractDetails(Request):
    contract: Description = NOTHING


@dataclass(frozen=True, slots=True)
class SecDefOptParams(Request):
    symbol: str = ""
    exchange: str = ""
    under_sec_type: str = ""
    under_con_id: int = 0


@dataclass(frozen=True, slots=True)
class MatchingSymbols(Request):
    pattern: str = ""


@dataclass(frozen=True, slots=True)
class MarketRule(Request):
    rule_id: int = 0


@dataclass(frozen=True, slots=True)
class AccountSummary(Request):
    group: str = "All"
    tags: str = ""


@dataclass(frozen=True, slots=True)
class AccountUpdates(Request):
    subscribe: bool = True
    account: str = ""


@dataclass(frozen=True, slots=True)
class AccountUpdatesMulti(Request):
    account: str = ""
    model: str = ""
    ledger_only: bool = False


@dataclass(frozen=True, slots=True)
class PositionsMulti(Request):
    account: str = ""
    model: str = ""


@dataclass(frozen=True, slots=True)
class PnL(Request):
    account: str = ""
    con_id: int = 0  # 0: the whole account


@dataclass(frozen=True, slots=True)
class PlaceOrder(Request):
    """`req_id` is the order id; `unsupported` names what was asked for that this TWS doesn't do."""

    contract: Description = NOTHING
    action: str = ""
    quantity: float = 0.0
    kind: str = ""
    limit: float = math.nan
    tif: str = ""
    account: str = ""
    open_close: str = ""
    ref: str = ""
    transmit: bool = True
    outside_rth: bool = False
    what_if: bool = False
    unsupported: str = ""


@dataclass(frozen=True, slots=True)
class Executions(Request):
    client_id: int = 0
    account: str = ""
    since: str = ""
    symbol: str = ""
    sec_type: str = ""
    exchange: str = ""
    side: str = ""


@dataclass(frozen=True, slots=True)
class Plain(Request):
    """A request that is all said by its name: a cancel, or a question without an argument."""

    name: str = ""


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

NO_HISTORY = "Historical Market Data Service error message:No data of the past in this simulated TWS"


def _validation(what: str) -> str:
    return f"Error validating request.-'bX' : cause - {what} is not offered by this simulated TWS"


REFUSED: dict[int, tuple[int, int, str]] = {  # message → fields before its id (-1: none), code, text
    20: (0, 162, NO_HISTORY),
    25: (1, 366, "No historical data query found for ticker id"),
    87: (0, 162, NO_HISTORY),
    88: (0, 162, NO_HISTORY),
    96: (0, 162, NO_HISTORY),
    50: (1, 420, "Invalid Real-time Query: real time bars are not offered by this simulated TWS"),
    97: (0, 10189, "Failed to request tick-by-tick data: not offered by this simulated TWS"),
    10: (1, 10092, "Deep market data is not supported for this combination of security type/exchange"),
    82: (-1, 321, _validation("A list of depth exchanges")),
    83: (0, 321, _validation("A map of smart components")),
    22: (0, 162, "Historical Market Data Service error message:No scanner in this simulated TWS"),
    24: (-1, 321, _validation("A scanner")),
    85: (-1, 321, _validation("News")),
    84: (0, 321, _validation("News")),
    86: (0, 321, _validation("News")),
    12: (-1, 321, _validation("A news bulletin")),
    54: (1, 321, _validation("The calculation of an implied volatility")),
    55: (1, 321, _validation("The calculation of an option price")),
    21: (1, 321, _validation("An exercise of options")),
    18: (-1, 321, _validation("A financial adviser's configuration")),
    19: (-1, 321, _validation("A financial adviser's configuration")),
    52: (1, 321, _validation("Fundamental data")),
    53: (1, 321, _validation("Fundamental data")),
    100: (0, 321, _validation("Wall Street Horizon data")),
    102: (0, 321, _validation("Wall Street Horizon data")),
    65: (-1, 321, _validation("The verification of partners")),
    66: (-1, 321, _validation("The verification of partners")),
    67: (1, 321, _validation("A display group")),
    68: (1, 321, _validation("A display group")),
    69: (1, 321, _validation("A display group")),
    70: (1, 321, _validation("A display group")),
    72: (-1, 321, _validation("The verification of partners")),
    73: (-1, 321, _validation("The verification of partners")),
}
