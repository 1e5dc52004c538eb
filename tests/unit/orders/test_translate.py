from __future__ import annotations

import math
from decimal import Decimal

import pytest

from pipeline.messages import OrderSpec
from pipeline.orders import translate

MARGINS = {"equity_change": -20.0, "maintenance_change": 300.0}


@pytest.mark.parametrize(("sec_type", "change"), [("STK", -320.0), ("OPT", -320.0), ("FUT", -20.0)])
def test_equity_of_commodities_is_already_net_of_maintenance(sec_type: str, change: float) -> None:
    found = translate.with_excess(MARGINS, sec_type, 1_000.0)
    assert (found["excess_before"], found["excess_change"], found["excess_after"]) == (
        1_000.0,
        change,
        1_000.0 + change,
    )


def test_unknown_stays_unknown() -> None:
    assert math.isnan(translate.with_excess(MARGINS, "STK", math.nan)["excess_after"])
    assert math.isnan(translate.with_excess({}, "STK", 1.0)["excess_change"])


def test_the_models_answer_speaks_in_the_same_keys() -> None:
    body = {"before": {"initial_margin": 1.0, "sma": 2.0}, "after": {"excess_liquidity": math.nan}, "change": None}
    assert translate.model_figures(body) == {"initial_before": 1.0}


@pytest.mark.parametrize("quantity", [1.0, 0.5, 1_000.0])
def test_a_quantity_is_sent_as_it_was_given(quantity: float) -> None:
    spec = OrderSpec(account="DU1", con_id=1, side="SELL", quantity=quantity, order_type="MKT")
    order = translate.order_of(spec, order_ref="key")
    assert order.totalQuantity == Decimal(str(quantity))
    assert (order.action, order.orderRef, order.whatIf) == ("SELL", "key", False)
