from decimal import Decimal

import pytest

from pipeline.gateway.broker import keys


def rows_of(brokerage, name):
    account = brokerage.accounts[name]
    return {(key, currency): value for key, value, currency in keys.rows(account, brokerage.bank.figures(account))}


@pytest.fixture(params=["DU1234501", "DU1234502"])
def account_rows(brokerage, request):
    rows = rows_of(brokerage, request.param)
    return {key: Decimal(value) for (key, currency), value in rows.items() if currency == "USD" and _number(value)}


def _number(text):
    return text.replace(".", "", 1).lstrip("-").isdigit()


def test_segments_add_up(account_rows):
    for key, value in account_rows.items():
        if f"{key}-S" in account_rows and f"{key}-C" in account_rows:
            assert value == account_rows[f"{key}-S"] + account_rows[f"{key}-C"], key


def test_published_identities_hold_to_the_cent(account_rows):
    r = account_rows
    assert r["NetLiquidation-S"] == r["TotalCashValue-S"] + r["StockMarketValue"] + r["OptionMarketValue"]
    assert r["NetLiquidation-C"] == r["TotalCashValue-C"] + r["FuturesPNL"]
    assert r["EquityWithLoanValue-S"] == r["TotalCashValue-S"] + r["StockMarketValue"]
    assert r["EquityWithLoanValue-C"] == r["NetLiquidation-C"] - r["MaintMarginReq-C"]
    assert r["AvailableFunds-S"] == r["EquityWithLoanValue-S"] - r["InitMarginReq-S"]
    assert r["AvailableFunds-C"] == r["NetLiquidation-C"] - r["InitMarginReq-C"]
    assert r["ExcessLiquidity-S"] == r["EquityWithLoanValue-S"] - r["MaintMarginReq-S"]
    assert r["BuyingPower"] == 4 * (r["EquityWithLoanValue-S"] - r["InitMarginReq-S"])
    assert r["SMA"] >= r["RegTEquity"] - r["RegTMargin"]
    assert r["InitMarginReq-C"] == Decimal("1.10") * r["MaintMarginReq-C"]


@pytest.mark.parametrize(("name", "low", "high"), [("DU1234501", 0.12, 0.25), ("DU1234502", 0.40, 0.50)])
def test_accounts_begin_healthy(brokerage, name, low, high):
    rows = rows_of(brokerage, name)
    assert low < float(rows["Cushion", ""]) < high
    assert float(rows["AvailableFunds", "USD"]) > 0
    assert float(rows["SMA", "USD"]) > 0


def test_some_forty_positions(brokerage):
    assert 38 <= sum(len(account.positions) for account in brokerage.accounts.values()) <= 45
