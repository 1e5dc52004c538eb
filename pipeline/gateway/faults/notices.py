"""What TWS says about IBKR's servers and about data it does not give: codes, texts, farms. Tables, no state."""

from __future__ import annotations

ALL_FARMS = "All data farms are connected: usfarm; usfuture; ushmds; secdefil."
TEXTS = {
    1100: "Connectivity between IBKR and Trader Workstation has been lost.",
    1101: f"Connectivity between IBKR and Trader Workstation has been restored - data lost. {ALL_FARMS}",
    1102: f"Connectivity between IBKR and Trader Workstation has been restored - data maintained. {ALL_FARMS}",
    2103: "Market data farm connection is broken:{farm}",
    2104: "Market data farm connection is OK:{farm}",
    2105: "HMDS data farm connection is broken:{farm}",
    2106: "HMDS data farm connection is OK:{farm}",
    2107: "HMDS data farm connection is inactive but should be available upon demand.{farm}",
    2108: "Market data farm connection is inactive but should be available upon demand.{farm}",
    2110: "Connectivity between Trader Workstation and server is broken. It will be restored automatically.",
    2119: "Market data farm is connecting:{farm}",
    2157: "Sec-def data farm connection is broken:{farm}",
    2158: "Sec-def data farm connection is OK:{farm}",
    10197: "No market data during competing live session",
    326: "Unable to connect as the client id is already in use. Retry with a unique client id.",
    354: "Requested market data is not subscribed.Delayed market data is available.Error&BEST/STK/Top&BEST/STK/Top",
    10089: "Requested market data requires additional subscription for API. See link in 'Market Data Connections' "
    "dialog for more details.Delayed market data is available.{symbol} NASDAQ.NMS/TOP/ALL",
    10167: "Requested market data is not subscribed. Displaying delayed market data.",
    10168: "Requested market data is not subscribed. Delayed market data is not enabled.",
    10090: "Part of requested market data is not subscribed. Subscription-independent ticks are still active."
    "Delayed market data is available.{symbol} NASDAQ.NMS/TOP/ALL",
    200: "No security definition has been found for the request",
    162: "Historical Market Data Service error message:No market data permissions for NASDAQ STK",
    201: "Order rejected - reason:The simulated gateway was told to reject this order.",
    202: "Order Canceled - reason:",
}
ADVISORY = (10090, 10167)  # data follow all the same
RESTORED = {2103: 2104, 2105: 2106, 2157: 2158}  # broken → well again
FARMS = {"FUT": "usfuture", "FOP": "usfuture", "CASH": "cashfarm", "BOND": "usbond"}
QUOTES, HISTORY, DEFINITIONS = (1, 10, 50, 97), (20, 87, 88, 96), (9, 78, 81)  # requests by what they need
UNANSWERED = {2105: HISTORY, 2157: DEFINITIONS}


def farm_of(sec_type: str) -> str:
    """The farm that the quotes of a kind of contract come from."""
    return FARMS.get(sec_type, "usfarm")


def text(code: int, **facts: object) -> str:
    """TWS's words for a code; unknown ones: 'Error N'."""
    return TEXTS.get(code, f"Error {code}").format(**({"farm": "usfarm", "symbol": ""} | facts))
