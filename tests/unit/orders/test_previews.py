from __future__ import annotations

import math

import pytest

from pipeline import messages
from pipeline.bus.control import Request
from pipeline.messages import OrderSpec
from pipeline.orders.previews import Preview, Previews

MARKET = OrderSpec(account="DU1", con_id=7, side="BUY", quantity=10.0, order_type="MKT")
LIMIT = OrderSpec(account="DU1", con_id=7, side="BUY", quantity=10.0, order_type="LMT", limit_price=5.0)


def again(spec: OrderSpec) -> OrderSpec:
    """The same order as it comes with the next command."""
    return messages.unpack_as(messages.pack(spec), OrderSpec)


def finished(spec: OrderSpec, model: float, tws: float) -> Previews:
    previews = Previews()
    answers = {"excess_after": model}, {"excess_after": tws}
    previews.waiting.append(Preview(Request(b"p"), "r", spec, 0.0, [], model=answers[0], tws=answers[1]))
    assert len(previews.take_done(1.0)) == 1
    return previews


@pytest.mark.parametrize("spec", [MARKET, LIMIT])
def test_the_worse_answer_of_a_fresh_preview_of_exactly_this_order_counts(spec: OrderSpec) -> None:
    previews = finished(spec, model=100.0, tws=-5.0)
    assert previews.excess_after(again(spec), 5.0, 10.0) == -5.0
    assert math.isnan(previews.excess_after(again(spec), 12.0, 10.0))
    assert math.isnan(previews.excess_after(LIMIT if spec is MARKET else MARKET, 5.0, 10.0))


def test_a_preview_waits_for_both_answers_or_its_deadlines() -> None:
    previews = Previews()
    previews.waiting.append(Preview(Request(b"p"), "r", MARKET, 0.0, [], model={"equity": 1.0}))
    assert previews.take_done(9.9) == []
    (done,) = previews.take_done(10.1)
    assert done.message(10.1, 7).warning == "no answer from TWS in 10 s"
