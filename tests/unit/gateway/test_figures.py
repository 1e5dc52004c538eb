"""The sums of an account: they add up, whatever it holds."""

from datetime import date, time
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.gateway import keeping
from pipeline.gateway.broker import balances, figures, keys
from pipeline.gateway.broker.accounts import Account, Dividend, Position, commission
from pipeline.gateway.market import days

MARKET = keeping.begin(date(2026, 11, 23), 7, 1.0)
UNIVERSE, BANK = MARKET.universe, MARKET.bank
EURO, YEN = UNIVERSE.by_con_id[12087792], UNIVERSE.by_con_id[15016059]
BONDS = [x for x in UNIVERSE.by_con_id.values() if x.sec_type == "BOND"]
FUTURE_OPTION = next(x for x in UNIVERSE.by_con_id.values() if x.sec_type == "FOP")
THINGS = [
    UNIVERSE.stock("AAPL"), UNIVERSE.stock("SPY"), UNIVERSE.option("AAPL", 0, 245.0, "C"), UNIVERSE.future("ES"),
    *UNIVERSE.futures("CL")[:2], FUTURE_OPTION, EURO, YEN, *BONDS,
]  # fmt: skip


def fresh(cash="100000.00"):
    return Account("DU1234501", Decimal(cash), Decimal("50000.00"))


def of(account):
    return BANK.figures(account)


def rows(account):
    return {(key, currency): value for key, value, currency in keys.rows(account, of(account))}


def test_a_currency_trade_moves_two_balances_and_its_fee_is_in_the_base_currency():
    account = fresh()
    assert account.fill(EURO, 20_000, 1.155) == (Decimal("2.00"), None)
    assert (account.cash, account.foreign) == (Decimal("100000.00") - Decimal("23102.00"), {"EUR": Decimal("20000.00")})
    fee, realized = account.fill(EURO, -20_000, 1.16)
    assert (fee, realized) == (Decimal("2.00"), Decimal("100.00"))
    assert (account.cash, account.foreign["EUR"]) == (Decimal("100096.00"), 0)


def test_a_pair_quoted_in_another_currency_owes_that_one():
    account = fresh()
    fee, _ = account.fill(YEN, 1_000_000, 156.2)
    assert fee == Decimal("20.00")
    assert account.foreign == {"JPY": Decimal("-156200000.00")}
    assert account.cash == Decimal("1099980.00")


def test_a_bond_is_priced_in_per_cent_of_a_thousand():
    account, bond = fresh(), BONDS[0]
    fee, _ = account.fill(bond, 10, 98.5)
    assert fee == commission(bond, 10, 98.5) == Decimal("9.85")
    assert account.cash == Decimal("100000.00") - Decimal("9850.00") - fee


def test_an_owed_currency_needs_margin():
    account = fresh()
    account.fill(YEN, 50_000, 156.2)
    assert of(account).maint_s == pytest.approx(Decimal("1250"), rel=Decimal("0.02"))


def test_bonds_and_futures_options_have_columns_of_their_own():
    account = fresh()
    treasury = next(x for x in BONDS if balances.is_treasury(x))
    corporate = next(x for x in BONDS if not balances.is_treasury(x))
    account.positions = {x.con_id: Position(10, Decimal(0)) for x in (treasury, corporate, FUTURE_OPTION)}
    row = rows(account)
    for key in ("TBondValue", "CorporateBondValue", "FutureOptionValue"):
        assert Decimal(row[key, "USD"]) > 0, key
    assert Decimal(row["NetLiquidation-C", "USD"]) == Decimal("50000.00") + Decimal(row["FutureOptionValue", "USD"])


trades = st.lists(
    st.tuples(st.sampled_from(THINGS), st.integers(-300, 300).filter(bool), st.integers(100, 40_000)), max_size=20
)


@settings(max_examples=40, deadline=None)
@given(trades, st.integers(0, 5_000))
def test_every_identity_holds_for_any_book(book, accrued):
    account = fresh()
    account.accrued = {"USD": Decimal(accrued) / 100, "EUR": Decimal("-1.25")}
    account.dividends = [Dividend(265598, "20261215", Decimal("12.34"))]
    for x, quantity, price in book:
        account.fill(x, quantity, price / 100)
    row = {key: Decimal(value) for key, value in rows(account).items() if value.replace(".", "").lstrip("-").isdigit()}
    usd = {key: value for (key, currency), value in row.items() if currency == "USD"}
    for key in usd:
        if f"{key}-S" in usd and f"{key}-C" in usd:
            assert usd[key] == usd[f"{key}-S"] + usd[f"{key}-C"], key
    assert usd["ExcessLiquidity-S"] == usd["EquityWithLoanValue-S"] - usd["MaintMarginReq-S"]
    assert usd["ExcessLiquidity-C"] == usd["NetLiquidation-C"] - usd["MaintMarginReq-C"]
    assert usd["NetLiquidation"] == row["NetLiquidationByCurrency", "BASE"]
    assert usd["TotalCashValue"] == row["TotalCashBalance", "BASE"]
    assert usd["AccruedCash"] == row["AccruedCash", "BASE"]
    values = ("StockMarketValue", "OptionMarketValue", "FutureOptionValue", "FuturesPNL", "CorporateBondValue",
              "TBondValue", "TBillValue", "TotalCashBalance", "AccruedCash", "NetDividend")  # fmt: skip
    assert row["NetLiquidationByCurrency", "BASE"] == sum(row[key, "BASE"] for key in values)
    ledgers = of(account).ledgers
    for name in balances.SUMS:
        parts = [getattr(ledger.in_base(), name) for ledger in ledgers]
        assert sum(parts) == getattr(balances.base_of(ledgers), name)


def test_currencies_come_with_their_rate_and_the_base_with_one():
    account = fresh()
    account.fill(EURO, 20_000, 1.155)
    row = rows(account)
    assert row["ExchangeRate", "USD"] == row["ExchangeRate", "BASE"] == "1.00"
    assert float(row["ExchangeRate", "EUR"]) == pytest.approx(MARKET.market.fx("EUR"), abs=1e-7)
    assert row["CashBalance", "EUR"] == "20000.00"
    assert (row["RealCurrency", "EUR"], row["Currency", "BASE"]) == ("EUR", "BASE")
    for key in keys.LEDGER_KEYS:
        assert {("BASE"), "USD", "EUR"} <= {currency for name, currency in row if name == key}, key


IN_SEGMENTS = (
    "AccruedCash", "AccruedDividend", "AvailableFunds", "Billable", "EquityWithLoanValue", "ExcessLiquidity",
    "FullAvailableFunds", "FullExcessLiquidity", "FullInitMarginReq", "FullMaintMarginReq", "Guarantee",
    "IncentiveCoupons", "IndianStockHaircut", "InitMarginReq", "LookAheadAvailableFunds", "LookAheadExcessLiquidity",
    "LookAheadInitMarginReq", "LookAheadMaintMarginReq", "MaintMarginReq", "NetLiquidation", "PASharesValue",
    "PhysicalCertificateValue", "PostExpirationExcess", "PostExpirationMargin", "TotalCashValue",
    "TotalDebitCardPendingCharges",
)  # fmt: skip
SINGLE = (
    "AccountCode", "AccountReady", "AccountType", "BuyingPower", "ColumnPrio-C", "ColumnPrio-S", "Cushion",
    "DayTradesRemaining", "DayTradesRemainingT+1", "DayTradesRemainingT+4", "GrossPositionValue",
    "GrossPositionValue-S", "Leverage-S", "LookAheadNextChange", "NLVAndMarginInReview", "NetLiquidationUncertainty",
    "PreviousDayEquityWithLoanValue", "PreviousDayEquityWithLoanValue-S", "RegTEquity", "RegTEquity-S", "RegTMargin",
    "RegTMargin-S", "SMA", "SMA-S", "SegmentTitle-C", "SegmentTitle-S", "TradingType-S", "WhatIfPMEnabled",
)  # fmt: skip


def test_the_keys_that_tws_sends_are_all_there():
    names = {key for key, _ in rows(fresh())}
    wanted = {key + tail for key in IN_SEGMENTS for tail in ("", "-C", "-S")} | set(SINGLE) | set(keys.LEDGER_KEYS)
    assert wanted - names == set()


def test_some_futures_need_less_in_the_liquid_hours():
    account, day = fresh(), UNIVERSE.day
    account.fill(UNIVERSE.future("CL"), 2, 60.0)
    account.fill(UNIVERSE.future("ES"), 1, 6500.0)
    at = lambda hour, minute: figures.figures(  # noqa: E731
        account, UNIVERSE, BANK.mark, BANK.fx, days.ns_of(day, time(hour, minute))
    )
    noon, late = at(12, 0), at(15, 45)
    assert noon.next_change == days.ns_of(day, time(15, 45)) // days.NS
    assert late.next_change == days.ns_of(day, days.CLOSE) // days.NS
    oil = BANK.mark(UNIVERSE.future("CL")) * 1000 * 0.08
    assert float(noon.maint_c) == pytest.approx(21_700 + 2 * oil * 0.75, abs=0.01)
    assert float(late.maint_c) == pytest.approx(21_700 + 2 * oil, abs=0.01)
    assert noon.full_maint_c == noon.ahead_maint_c == late.maint_c == late.full_maint_c
    row = {(key, currency): Decimal(value) for key, value, currency in keys.rows(account, noon) if key[-2:] == "-C"
           and key[:4] in ("Full", "Exce", "Look")}  # fmt: skip
    gap = noon.full_maint_c - noon.maint_c
    assert row["ExcessLiquidity-C", "USD"] - row["FullExcessLiquidity-C", "USD"] == gap > 0
    assert row["LookAheadExcessLiquidity-C", "USD"] == row["FullExcessLiquidity-C", "USD"]


def test_look_ahead_is_without_what_ends_today():
    account = fresh()
    option = UNIVERSE.option("AAPL", 0, 245.0, "C")
    account.fill(option, -3, 9.0)
    last = days.ns_of(option.expiry_date, days.OPEN)
    found = figures.figures(account, UNIVERSE, BANK.mark, BANK.fx, last)
    assert found.expiring
    assert found.maint_s > found.ahead_maint_s == 0
    assert found.next_change == days.ns_of(option.expiry_date, days.CLOSE) // days.NS
    before = of(account)
    assert (before.expiring, before.ahead_maint_s) == (False, before.maint_s)


def test_figures_are_known_until_something_changes():
    broker = keeping.begin(date(2026, 11, 23), 7, 1.0)
    account = broker.accounts["DU1234501"]
    first = broker.bank.figures(account)
    assert broker.bank.figures(account) is first
    account.fill(UNIVERSE.stock("KO"), 100, 68.0)
    second = broker.bank.figures(account)
    assert second.stock != first.stock
    broker.market.advance(4)
    assert broker.bank.figures(account) is not second


def test_a_copy_may_be_traded_without_touching_the_account():
    account = fresh()
    account.fill(EURO, 1_000, 1.155)
    tried = account.copy()
    tried.fill(EURO, 5_000, 1.155)
    tried.fill(UNIVERSE.stock("KO"), 10, 68.0)
    assert (account.foreign, account.open_quantity(8894)) == ({"EUR": Decimal("1000.00")}, 0)
