"""Published cases of exchanges and brokers, run through the same pairing that the live figures come from."""

from __future__ import annotations

import importlib.util
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pipeline.margin.kernels import requirements
from pipeline.margin.rules import account, futures, reg_t
from pipeline.margin.rules.options import OptionTerms
from pipeline.margin.rules.pairing import OptionLeg, pair
from pipeline.margin.rules.rates import CBOE, IBKR_REG_T, FutureRate, RateBook

_spec = importlib.util.spec_from_file_location("margin_conftest", Path(__file__).with_name("conftest.py"))
assert _spec is not None
assert _spec.loader is not None
_conftest = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(_conftest)

OPTION_KINDS = ("naked_option", "long_option", "spread", "calendar_diagonal", "short_straddle", "stock_and_option",
                "cboe_table", "option_strategy", "optimal_pairing")  # fmt: skip
ALL = _conftest.cases("strategy_options", "ibkr_options", "accounts", "pairing")


def only(*kinds: str) -> list[Any]:
    return [parameter for parameter in ALL if parameter.values[0]["kind"] in kinds]


def number(value: float | None) -> float:
    return math.nan if value is None else float(value)


def rates_of(case: dict[str, Any]) -> np.ndarray:
    """The rule set's rates; observed figures of hedged stock were taken at 25 % and, with both options, at 50 %."""
    book = RateBook(CBOE if case["rule_set"] == "cboe_strategy" else IBKR_REG_T)
    under = case["inputs"]["underlying"]
    rates = book.vector("CASE", under["class"], under.get("leverage", 1))
    if book.rule_set == IBKR_REG_T:
        rates[requirements.LONG_MAINTENANCE] = rates[requirements.LONG_INITIAL] = 0.25
        options = sum(position["type"] == "option" for position in case["positions"])
        rates[requirements.HOUSE_INITIAL_HEDGED] = 0.50 if options == 2 else 0.25
    return rates


def expiry_ranks(case: dict[str, Any]) -> dict[str, int]:
    labels = {p["expiry"] for p in case["positions"] if p["type"] == "option"}
    order = case["inputs"].get("expiry_order")
    listed = [label.strip() for label in order.split("<")] if order else sorted(labels)
    return {label: rank for rank, label in enumerate(listed)}


def run(case: dict[str, Any]) -> dict[str, float]:
    ranks = expiry_ranks(case)
    legs = [
        OptionLeg(OptionTerms(p["right"] == "C", p["strike"], number(p["price"])), p["qty"], ranks[p["expiry"]])
        for p in case["positions"]
        if p["type"] == "option"
    ]
    stock = [p for p in case["positions"] if p["type"] == "stock"]
    spot = number(stock[0]["price"] if stock else case["inputs"]["underlying"]["price"])
    multiplier = next((p["multiplier"] for p in case["positions"] if p["type"] == "option"), 100)
    blocks = pair(legs, multiplier, spot, sum(p["qty"] for p in stock), rates_of(case))
    maintenance = sum(block.requirement.maintenance for block in blocks)
    initial = sum(block.requirement.initial for block in blocks)
    premium = sum(leg.contracts * multiplier * leg.terms.price for leg in legs)
    found = {
        "requirement": maintenance,
        "maintenance": maintenance,
        "initial": initial,
        "reg_t_initial": sum(block.requirement.reg_t for block in blocks),
        "deposit": (initial if stock else maintenance) + premium,
    }
    shorts = [leg for leg in legs if leg.contracts < 0]
    if len(legs) == 1 and shorts:
        terms, count = shorts[0].terms, -shorts[0].contracts
        needed = terms.strike if not terms.call else spot
        found["cash_account_deposit"] = (needed - terms.price) * multiplier * count
    return found


@pytest.mark.parametrize("case", only(*OPTION_KINDS))
def test_option_case(case: dict[str, Any]) -> None:
    found = run(case)
    wanted = {key: value for key, value in case["expected"].items() if not key.startswith("peer_")}
    for key, value in wanted.items():
        allowed = max(case["tolerance"].get("abs", 0.0), case["tolerance"].get("rel", 0.0) * abs(value))
        assert found[key] == pytest.approx(value, abs=allowed), key


@pytest.mark.parametrize("case", only("futures_outright"))
def test_futures_case(case: dict[str, Any]) -> None:
    given = case["inputs"]
    row = RateBook().future(given["symbol"], given["effective"])
    assert row is not None
    assert row.maintenance == given["maintenance_per_contract"]
    rate = FutureRate(row.symbol, row.maintenance, row.maintenance * given["speculator_initial_ratio"], "", "")
    found = futures.outright(case["positions"][0]["qty"], rate)
    assert found.initial == pytest.approx(case["expected"]["initial"], abs=case["tolerance"]["abs"])
    assert found.maintenance == pytest.approx(case["expected"]["maintenance"], abs=case["tolerance"]["abs"])


@pytest.mark.parametrize("case", only("account_state"))
def test_account_state_case(case: dict[str, Any]) -> None:
    given = case["inputs"]
    value = given["stock_market_value"]
    securities = account.Segment(
        initial=given["house_initial_rate"] * value,
        maintenance=given["house_maint_rate"] * value,
        reg_t=given["reg_t_rate"] * value,
        equity_value=value,
        gross=value,
    )
    sma = reg_t.sma(given["prior_sma"], given["deposits_today"], given["net_purchases_today"], 0.0, 0.0)
    found = account.figures(securities, account.Segment(), account.Cash(given["cash"], sma=sma))
    names = {
        "EquityWithLoanValue": found.equity_with_loan,
        "InitMarginReq": found.initial_margin,
        "MaintMarginReq": found.maintenance_margin,
        "AvailableFunds": found.available_funds,
        "ExcessLiquidity": found.excess_liquidity,
        "RegTMargin": found.reg_t_margin,
        "SMA": found.sma,
    }
    for key, value in case["expected"].items():
        assert names[key] == pytest.approx(value, abs=case["tolerance"]["abs"]), key


def test_account_snapshot_of_a_reg_t_account() -> None:
    (case,) = [p.values[0] for p in only("account_snapshot") if p.values[0]["id"] == "IBKR-SNAP-regt-2022"]
    given, wanted = case["inputs"], case["expected"]
    securities = account.Segment(
        initial=given["InitMarginReq"],
        maintenance=given["MaintMarginReq"],
        reg_t=0.5 * given["StockMarketValue"],
        equity_value=given["StockMarketValue"],
        gross=given["StockMarketValue"],
    )
    # In 2022 equity with loan still counted accrued interest, so it goes in as cash here.
    found = account.figures(securities, account.Segment(), account.Cash(given["TotalCashValue"] + given["AccruedCash"]))
    assert found.net_liquidation == pytest.approx(wanted["NetLiquidation"], abs=0.02)
    assert found.available_funds == pytest.approx(wanted["AvailableFunds"], abs=0.02)
    assert found.excess_liquidity == pytest.approx(wanted["ExcessLiquidity"], abs=0.02)
    assert found.cushion == pytest.approx(wanted["Cushion"], abs=1e-6)
    assert found.reg_t_margin == pytest.approx(wanted["RegTMargin"], abs=0.02)
    assert found.buying_power == pytest.approx(wanted["BuyingPower"], abs=0.02)


@pytest.mark.parametrize("case", only("reg_t_stock"))
def test_reg_t_stock_case(case: dict[str, Any]) -> None:
    given, wanted = case["inputs"], case["expected"]
    found: dict[str, float] = {}
    if "LMV" in given:
        found["equity"] = reg_t.equity(long_value=given["LMV"], debit=given["debit"])
        found["equity_pct"] = 100.0 * found["equity"] / given["LMV"]
    if "trigger_market_value" in wanted:
        found["trigger_market_value"] = reg_t.long_trigger(given["debit"], given["maintenance"])
    if "required_deposit" in wanted:
        found["required_deposit"] = reg_t.first_purchase_deposit(
            given["shares"] * given["price"], given["minimum_equity"]
        )
    for key, value in wanted.items():
        assert found[key] == pytest.approx(value, abs=case["tolerance"]["abs"]), key
