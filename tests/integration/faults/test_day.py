"""A trading day at 60 times its speed, with random faults and TWS's restart at night: the books agree at its end.

Orders come from our order process and by hand from TWS itself, in both accounts. At the end the positions, the cash,
the open orders, all executions and their costs that were published equal what the gateway wrote into its own file.
"""

from __future__ import annotations

import contextlib
import os
import random
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pipeline import config
from pipeline.config import Settings
from pipeline.gateway import keeping
from tests.integration.faults.day import SYMBOLS, Published, Trader
from tests.trading_desk import DEADLINE_S, Run, trading

SPEED = 60.0  # market seconds a second
DAY_S = 24.5 * 3600 / SPEED  # from open to half an hour after the next one
RESTART_S = 14.25 * 3600 / SPEED  # 23:45
SHORT_S = 30.0
OPEN = ("Intent", "PendingSubmit", "PreSubmitted", "Submitted")
FAULTS = (
    "close", "reset", "truncated", "wrong_length", "garbage framed=true bytes=80", "garbage framed=false bytes=500",
    "stall for_s=4", "stall read=false for_s=18", "drip bytes=200 every_ms=5 for_s=3", "1100 for_s=3 then=1102",
    "1100 for_s=3 then=1101", "2110 for_s=2", "2103 farm=usfarm for_s=6", "2157 for_s=5", "10197 count=15",
    "delay message=9 by_s=2 for_s=10", "clock_skew by_s=30 for_s=5", "half_snapshot rows=0.5 for_s=8",
    "duplicate_executions copies=2 for_s=12", "commission_first for_s=12", "late_executions by_s=3 for_s=12",
    "refuse_login code=326 for_s=4", "reject_orders for_s=3", "split_handshake at=3 pause_s=0.3 for_s=10",
    "unset where=pnl for_s=4", "unset where=account for_s=4", "restart closed_s=2",
)  # fmt: skip


def settings() -> Settings:
    limits = config.GatewayLimits(account_every_s=5.0, history_identical_s=0.0)
    gateway = config.Gateway(clock=SPEED, hours="always", rate=300.0, limits=limits)
    orders = config.Orders(max_orders_a_minute=600, max_open_orders=5_000)
    return Settings(gateway=gateway, orders=orders, watchlist=config.Watchlist(symbols=list(SYMBOLS)))


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Run]:
    with trading(tmp_path, settings(), "--day", "2026-11-23") as made:
        yield made


def live_a_day(run: Run, real_s: float, restart_s: float, fault_every_s: float, last: str = "2104") -> None:
    seed = int(os.environ.get("MARGINDESK_FUZZ_SEED", "0")) or random.SystemRandom().randrange(1, 1 << 32)
    print(f"MARGINDESK_FUZZ_SEED={seed}")
    with contextlib.closing(Published(run)) as published:
        _live(run, published, random.Random(seed), real_s, restart_s, fault_every_s, last)
        agree(published, keeping.load(run.books.read_bytes(), SPEED, "always"))


def _live(
    run: Run,
    published: Published,
    dice: random.Random,
    real_s: float,
    restart_s: float,
    fault_every_s: float,
    last: str,
) -> None:
    run.account()
    while not set(SYMBOLS) <= published.con_ids.keys():
        published.read(0.2)
    accounts = sorted({account for account, _ in published.positions})
    trader = Trader(run, accounts, published.con_ids, dice)
    begin = time.monotonic()
    fault_at, order_at, restarted, faults = begin + fault_every_s, begin, False, []
    while (now := time.monotonic()) - begin < real_s:
        published.read(0.05)
        if now >= order_at:
            trader.act()
            order_at = now + dice.uniform(0.3, 2.0)
        if now >= fault_at:
            faults.append(dice.choice(FAULTS))
            run.tell(f"{faults[-1]} seed={dice.randrange(1000)}" if "garbage" in faults[-1] else faults[-1])
            fault_at = now + dice.uniform(0.5, 1.5) * fault_every_s
        if not restarted and now - begin > restart_s:
            run.tell("restart closed_s=5")
            restarted = True
    run.tell("clear")
    run.tell(last)
    calm_after(published)
    print(f"{len(faults)} faults, {len(trader.sent)} orders sent, {trader.by_hand} by hand, {trader.refused} refused")
    connections = {name: state.connection for name, state in published.state.items()}
    print(f"{len(published.executions)} executions, connections {connections}")
    print(f"{len(published.differences)} differences found and repaired: {Counter(published.differences)}")


def calm_after(published: Published) -> None:
    """The minute's check must pass after the last fault."""
    since_ns, deadline = time.time_ns(), time.monotonic() + 4 * DEADLINE_S
    while not published.calm(since_ns):
        assert time.monotonic() < deadline, (published.state, published.checks)
        published.read(0.2)
    published.read(3.0)  # the gateway writes its file each second


def agree(published: Published, books: Any) -> None:
    held = {key: quantity for key, quantity in published.positions.items() if quantity}
    theirs = {
        (name, con_id): float(position.quantity)
        for name, account in books.accounts.items()
        for con_id, position in account.positions.items()
        if position.quantity
    }
    assert held == theirs
    for name, account in books.accounts.items():
        figures = books.bank.figures(account)
        cash = float(figures.cash_s + figures.cash_c)
        assert published.values[name, "TotalCashValue", "USD"] == pytest.approx(cash, abs=0.011)
    told = {fill.exec_id: fill for fill in books.fills}
    assert published.executions.keys() == told.keys()
    for exec_id, fill in told.items():
        ours = published.executions[exec_id]
        assert (ours.account, ours.con_id, ours.shares) == (fill.account, fill.con_id, float(fill.quantity))
        assert ours.price == pytest.approx(fill.price, abs=1e-9)
        assert published.commissions[exec_id].commission == pytest.approx(float(fill.commission), abs=1e-6)
    open_here = {o.perm_id: (o.quantity, o.filled) for o in published.orders.values() if o.status in OPEN}
    open_there = {o.perm_id: (float(o.quantity), float(o.filled)) for o in books.live_orders()}
    assert open_here == open_there
    unknown = {key for key, order in published.orders.items() if order.status == "Unknown"}
    assert not unknown & books.orders.keys(), "sent into a dead connection: TWS has never heard of them"
    assert told, "something was traded"


def test_a_short_day(run: Run) -> None:
    """It ends with a reconnect: what is compared each minute is compared after it too."""
    live_a_day(run, SHORT_S, SHORT_S / 2, 6.0, "close")


@pytest.mark.long
@pytest.mark.timeout(7200)
def test_24_hours_at_60_times_their_speed(run: Run) -> None:
    live_a_day(run, DAY_S, RESTART_S, 20.0)
