"""Requests of the genuine client, and what becomes of them in bad hands. Pure; seeded."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

from ibapi.client import EClient
from ibapi.comm import make_msg
from ibapi.contract import ComboLeg, Contract
from ibapi.execution import ExecutionFilter
from ibapi.order import Order
from ibapi.order_cancel import OrderCancel
from ibapi.scanner import ScannerSubscription
from ibapi.wrapper import EWrapper

NASTY = [
    b"", b"-1", b"0", b"1", b"2147483647", b"2147483648", b"-9223372036854775809", b"9" * 40, b"1e400", b"-1e-400",
    b"nan", b"Infinity", b"1.7976931348623157e+308", b"0x10", b"\xff\xfe", b"x" * 5000, "Ω".encode(), b"AAPL", b"OPT",
    b"BAG", b"USD", b"SMART", b"20991231", b"0.00001", b"1000000", b"100000000", b" 7", b"7 ", b"+7", b"1_0",
    b"DU1234501",
]  # fmt: skip


class Asking(EClient):
    """The genuine client without a socket: what it would send is kept."""

    def __init__(self, version: int) -> None:
        super().__init__(EWrapper())
        self.serverVersion_ = version
        self.said: list[bytes] = []

    def isConnected(self) -> bool:
        return True

    def sendMsg(self, msgId: int, msg: str) -> None:
        self.said.append(make_msg(msgId, False, msg))

    def __del__(self) -> None:  # there is no socket to close
        pass


def contract(sec_type: str = "STK") -> Contract:
    found = Contract()
    found.symbol, found.secType, found.exchange, found.currency = "AAPL", sec_type, "SMART", "USD"
    if sec_type == "OPT":
        found.lastTradeDateOrContractMonth, found.strike, found.right = "202612", 245.0, "C"
    if sec_type == "BAG":
        leg = ComboLeg()
        leg.conId, leg.ratio, leg.action, leg.exchange = 265598, 1, "BUY", "SMART"
        found.comboLegs = [leg, leg]
    return found


def requests(version: int) -> list[bytes]:
    """One of each request, well made."""
    client = Asking(version)
    what_if = Order()
    what_if.action, what_if.totalQuantity, what_if.orderType, what_if.lmtPrice = "BUY", 10, "LMT", 200.0
    what_if.account, what_if.whatIf = "DU1234502", True
    calls: list[tuple[str, tuple[Any, ...]]] = [
        ("placeOrder", (5, contract(), what_if)),
        ("placeOrder", (6, contract("BAG"), what_if)),
        ("cancelOrder", (5, OrderCancel())),
        ("reqGlobalCancel", (OrderCancel(),)),
        ("reqTickByTickData", (8, contract(), "AllLast", 0, False)),
        ("reqScannerSubscription", (9, ScannerSubscription(), [], [])),
        ("reqExecutions", (10, ExecutionFilter())),
        ("exerciseOptions", (11, contract("OPT"), 1, 1, "DU1234502", 0, "", "", False)),
        ("reqSecDefOptParams", (12, "AAPL", "", "STK", 265598)),
        ("reqMatchingSymbols", (13, "AA")),
        ("reqMarketRule", (26,)),
        ("reqAccountUpdates", (True, "DU1234502")),
        ("reqAccountUpdatesMulti", (14, "DU1234502", "", False)),
        ("reqAccountSummary", (15, "All", "NetLiquidation")),
        ("reqPnL", (16, "DU1234502", "")),
        ("reqPnLSingle", (17, "DU1234502", "", 265598)),
        ("reqPositionsMulti", (18, "DU1234502", "")),
        ("reqNewsArticle", (19, "BRFG", "BRFG$1", [])),
        ("reqHistoricalNews", (20, 265598, "BRFG", "", "", 5, [])),
        ("reqCompletedOrders", (False,)),
        ("reqSmartComponents", (21, "9c0001")),
        ("requestFA", (1,)),
        ("replaceFA", (22, 1, "<x/>")),
        ("queryDisplayGroups", (23,)),
        ("subscribeToGroupEvents", (24, 1)),
        ("reqUserInfo", (25,)),
        ("reqHistogramData", (26, contract(), True, "3 days")),
        ("cancelMktData", (27,)),
        ("reqMarketDataType", (3,)),
        ("reqIds", (1,)),
    ]
    calls += [(name, ()) for name in ("reqCurrentTime", "reqPositions", "reqOpenOrders", "reqAllOpenOrders")]
    calls += [(name, ()) for name in ("reqNewsProviders", "reqScannerParameters", "reqFamilyCodes", "reqManagedAccts")]
    for kind in ("STK", "OPT", "BAG"):
        made = contract(kind)
        calls += [
            ("reqMktData", (30, made, "233", False, False, [])),
            ("reqContractDetails", (31, made)),
            ("reqHistoricalData", (32, made, "", "1 D", "1 hour", "TRADES", 1, 1, False, [])),
            ("reqHistoricalTicks", (33, made, "", "20261120 10:00:00", 10, "TRADES", 1, False, [])),
            ("reqHeadTimeStamp", (34, made, "TRADES", 1, 1)),
            ("reqMktDepth", (35, made, 5, False, [])),
            ("reqRealTimeBars", (36, made, 5, "TRADES", False, [])),
            ("calculateImpliedVolatility", (37, made, 5.0, 245.0, [])),
            ("calculateOptionPrice", (38, made, 0.3, 245.0, [])),
        ]
    for name, arguments in calls:
        getattr(client, name)(*arguments)
    return client.said


def mutated(frame: bytes, dice: random.Random) -> bytes:
    """A frame with one to three wounds; most stay well framed."""
    fields = frame[4:].removesuffix(b"\0").split(b"\0")
    for _ in range(dice.randint(1, 3)):
        place = dice.randrange(len(fields))
        match dice.randrange(7):
            case 0 | 1 | 2:
                fields[place] = dice.choice(NASTY)
            case 3:
                fields.insert(place, dice.choice(NASTY))
            case 4 if len(fields) > 1:
                del fields[place]
            case 5:
                fields = fields[: place + 1]
            case _:
                fields[0] = str(dice.randrange(-2, 110)).encode()
    payload = bytearray(b"\0".join(fields) + b"\0" * dice.randrange(2))
    if dice.random() < 0.1 and payload:
        payload[dice.randrange(len(payload))] = dice.randrange(256)
    return len(payload).to_bytes(4, "big") + bytes(payload)


def noise(dice: random.Random) -> bytes:
    """Bytes that end a connection, or come close to it."""
    match dice.randrange(4):
        case 0:
            return dice.randbytes(dice.randrange(1, 200))
        case 1:
            return dice.randrange(1 << 32).to_bytes(4, "big")
        case 2:
            return b"\0\0\0\0"
        case _:
            return dice.randrange(1, 400).to_bytes(4, "big") + dice.randbytes(20)


def storm(version: int, dice: random.Random) -> Iterator[bytes]:
    """Frames without an end: mutated requests, good ones between them, and now and then noise."""
    every = requests(version)
    costly = [frame for frame in every if frame[4:6] in (b"3\0", b"6\0")]  # figures of whole accounts
    good = [frame for frame in every if frame not in costly] * 8 + costly
    while True:
        chance = dice.random()
        if chance < 0.0005:
            yield noise(dice)
        elif chance < 0.05:
            yield dice.choice(good)
        else:
            yield mutated(dice.choice(good), dice)
