"""TWS's error codes: what they mean and what is to be done. Codes not in the table are judged by their request id."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    """How bad it is."""

    INFO = "info"  # a notice
    WARNING = "warning"  # something to know; what was asked for goes on
    REFUSED = "refused"  # this request is over
    CONNECTION = "connection"  # the connection between TWS and IBKR, or ours with TWS


class Action(StrEnum):
    """What the one who asked should do."""

    NONE = "none"
    RETRY_LATER = "retry later"  # after a minute
    ASK_AGAIN = "ask again"  # at once, with a new request id
    RESUBSCRIBE = "resubscribe"  # everything
    CHECK_FLOW = "check flow"  # does data come again?
    SLOW_DOWN = "slow down"
    OTHER_ID = "other id"  # client id
    TELL = "tell"  # the person: only he can change it


@dataclass(frozen=True, slots=True)
class Meaning:
    """One row of the table."""

    severity: Severity
    text: str
    action: Action = Action.NONE


@dataclass(frozen=True, slots=True)
class TwsError:
    """An error as TWS sent it; `request` is −1 for notices that belong to no request."""

    request: int
    code: int
    text: str
    meaning: Meaning
    reject_json: str = ""
    time_ms: int = 0  # 0 below server version 194


_I, _W, _R, _C = Severity.INFO, Severity.WARNING, Severity.REFUSED, Severity.CONNECTION

CODES: dict[int, Meaning] = {
    0: Meaning(_W, "near the limit of 50 messages a second", Action.SLOW_DOWN),
    100: Meaning(_C, "over 50 messages a second; TWS closes the connection", Action.SLOW_DOWN),
    101: Meaning(_R, "all market-data lines are used", Action.RETRY_LATER),
    102: Meaning(_R, "request id used twice", Action.ASK_AGAIN),
    103: Meaning(_R, "order id used twice"),
    104: Meaning(_R, "a filled order can't be changed"),
    105: Meaning(_R, "the change does not match the order"),
    106: Meaning(_R, "the order could not be transmitted"),
    107: Meaning(_R, "the order is incomplete"),
    109: Meaning(_R, "price outside TWS's percentage limits"),
    110: Meaning(_R, "price does not fit the contract's price steps"),
    111: Meaning(_R, "time in force does not fit the order type"),
    113: Meaning(_R, "time in force must be DAY for this order"),
    135: Meaning(_R, "no order with this id"),
    136: Meaning(_R, "this order can't be cancelled"),
    161: Meaning(_R, "the order is in no state to be cancelled"),
    162: Meaning(_R, "historical data refused", Action.RETRY_LATER),
    165: Meaning(_I, "historical data service says"),
    200: Meaning(_R, "TWS knows no such contract, or more than one"),
    201: Meaning(_R, "order rejected"),
    202: Meaning(_I, "order cancelled"),
    203: Meaning(_R, "this security is not permitted to this account"),
    300: Meaning(_I, "no request with this id"),
    309: Meaning(_R, "too many market-depth requests", Action.RETRY_LATER),
    310: Meaning(_I, "no market depth with this id"),
    316: Meaning(_R, "market depth was halted", Action.RETRY_LATER),
    317: Meaning(_W, "market depth was reset: the book begins anew"),
    320: Meaning(_R, "TWS could not read the request"),
    321: Meaning(_R, "TWS found the request invalid"),
    322: Meaning(_R, "TWS could not process the request"),
    326: Meaning(_C, "the client id is in use", Action.OTHER_ID),
    354: Meaning(_R, "no market-data subscription for this contract", Action.TELL),
    365: Meaning(_I, "no scanner with this id"),
    366: Meaning(_I, "no historical query with this id"),
    399: Meaning(_W, "a warning about the order"),
    404: Meaning(_W, "shares are being located for the short sale"),
    420: Meaning(_R, "invalid real-time query"),
    430: Meaning(_I, "no fundamental data"),
    434: Meaning(_R, "the order size is 0"),
    436: Meaning(_R, "the order needs an account", Action.TELL),
    460: Meaning(_R, "no trading permission", Action.TELL),
    501: Meaning(_I, "already connected"),
    502: Meaning(_C, "TWS can't be reached"),
    504: Meaning(_C, "not connected"),
    505: Meaning(_W, "TWS sent a message id that we don't know"),
    507: Meaning(_C, "bad message length"),
    1100: Meaning(_C, "TWS lost its connection to IBKR"),
    1101: Meaning(_C, "TWS is connected again; market data must be asked for again", Action.RESUBSCRIBE),
    1102: Meaning(_C, "TWS is connected again; market data was kept", Action.CHECK_FLOW),
    1300: Meaning(_C, "TWS changed its port"),
    2100: Meaning(_W, "account updates were ended by another subscription", Action.ASK_AGAIN),
    2103: Meaning(_W, "market-data farm broken"),
    2104: Meaning(_I, "market-data farm ok", Action.CHECK_FLOW),
    2105: Meaning(_W, "historical-data farm broken"),
    2106: Meaning(_I, "historical-data farm ok"),
    2107: Meaning(_I, "historical-data farm idle"),
    2108: Meaning(_I, "market-data farm idle"),
    2109: Meaning(_W, "order outside regular hours is ignored for this order"),
    2110: Meaning(_C, "TWS lost its connection to IBKR's servers"),
    2119: Meaning(_I, "market-data farm is connecting"),
    2137: Meaning(_W, "the order crosses the position"),
    2148: Meaning(_W, "order warning"),
    2152: Meaning(_I, "exchanges of the market depth"),
    2157: Meaning(_W, "contract-data farm broken"),
    2158: Meaning(_I, "contract-data farm ok"),
    2168: Meaning(_I, "an attribute is no longer used"),
    2169: Meaning(_I, "an attribute is no longer used"),
    10089: Meaning(_R, "market data needs another subscription", Action.TELL),
    10090: Meaning(_W, "part of the market data is not subscribed"),
    10091: Meaning(_W, "part of the market data needs another subscription"),
    10147: Meaning(_R, "no such order to cancel"),
    10148: Meaning(_R, "the order is in no state to be cancelled"),
    10167: Meaning(_W, "delayed market data, because live is not subscribed"),
    10168: Meaning(_R, "market data is not subscribed, and delayed data is off", Action.TELL),
    10182: Meaning(_R, "live updates ended", Action.ASK_AGAIN),
    10186: Meaning(_R, "market data is not subscribed for this contract", Action.TELL),
    10189: Meaning(_R, "tick-by-tick data refused", Action.RETRY_LATER),
    10190: Meaning(_R, "too many tick-by-tick requests", Action.RETRY_LATER),
    10197: Meaning(_R, "another session of this user takes the market data", Action.RETRY_LATER),
    10268: Meaning(_R, "an attribute of the order is not supported"),
    10289: Meaning(_R, "the account must not trade by cash quantity"),
    10349: Meaning(_I, "time in force was set from the preset"),
}

_FARM_CODES = {2103: "broken", 2104: "ok", 2105: "broken", 2106: "ok", 2107: "idle", 2108: "idle", 2119: "connecting",
               2157: "broken", 2158: "ok"}  # fmt: skip
_WARNINGS = range(2100, 2200)  # TWS's numbers for what it tells besides an answer
_FARM_NAME = re.compile(r"(?::\s*|demand\.\s*)([\w.-]+)$")
_UNKNOWN_REQUEST = Meaning(_R, "TWS refused the request")
_UNKNOWN_WARNING = Meaning(_W, "TWS warns")
_UNKNOWN_NOTICE = Meaning(_I, "TWS says")


def meaning(code: int, request: int) -> Meaning:
    """Its row; a code that isn't in the table ends a request unless it is one of TWS's warnings, and is a
    notice without a request."""
    known = CODES.get(code)
    if known is not None:
        return known
    if code in _WARNINGS:
        return _UNKNOWN_WARNING
    return _UNKNOWN_REQUEST if request > 0 else _UNKNOWN_NOTICE


def farm(code: int, text: str) -> tuple[str, str] | None:
    """(farm, ok · broken · idle · connecting) of a farm notice; TWS names it behind a colon, or the full stop."""
    state = _FARM_CODES.get(code)
    if state is None:
        return None
    name = _FARM_NAME.search(text.strip())
    return name[1] if name else "unnamed", state


def from_callback(arguments: tuple[object, ...]) -> TwsError:
    """The arguments of EWrapper.error in any release: with or without the time and the reject text."""
    values = list(arguments)
    request = int(str(values[0]))
    time_ms = 0
    if len(values) >= 4 and not isinstance(values[2], str):  # (id, time, code, text, …)
        time_ms = int(str(values.pop(1)))
    code, text = int(str(values[1])), str(values[2])
    reject = str(values[3]) if len(values) > 3 else ""
    return TwsError(request, code, text, meaning(code, request), reject, time_ms)
