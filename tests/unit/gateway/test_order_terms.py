"""What the genuine client places, the genuine client is told: every field, at every version that lays it out anew."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from ibapi import order_condition
from ibapi.contract import ComboLeg, Contract, DeltaNeutralContract
from ibapi.order import Order, OrderComboLeg
from ibapi.softdollartier import SoftDollarTier
from ibapi.tag_value import TagValue

from pipeline.gateway.asks import reading
from pipeline.gateway.asks.request import BadRequest
from pipeline.gateway.broker import drafting, ordering
from pipeline.gateway.broker.combos import face
from pipeline.gateway.broker.ordering import BAG_CON_ID
from pipeline.gateway.market import universe
from pipeline.gateway.tells import orders as tell

VERSIONS = [157, 158, 160, 162, 163, 166, 169, 170, 176, 177, 178, 182, 183, 184, 185, 187, 188, 189, 190, 192, 193]
VERSIONS += [195, 196, 198, 199, 200]
every_version = pytest.mark.parametrize("sv", VERSIONS)
NS = 1_795_444_203_000_000_000

PLAIN: dict[str, Any] = {
    "action": "SELL", "totalQuantity": Decimal(25), "orderType": "LMT", "lmtPrice": 245.5, "auxPrice": 1.25,
    "tif": "GTD", "ocaGroup": "pair", "account": "DU1234501", "openClose": "C", "origin": 1, "orderRef": "mine",
    "parentId": 0, "blockOrder": True, "sweepToFill": True, "displaySize": 7, "triggerMethod": 4, "outsideRth": True,
    "hidden": True, "discretionaryAmt": 0.05, "goodAfterTime": "20261123 10:00:00 US/Eastern",
    "goodTillDate": "20261124 15:00:00 US/Eastern", "faGroup": "AllClients", "faMethod": "Equal",
    "faPercentage": "50", "modelCode": "Core", "shortSaleSlot": 2, "designatedLocation": "here", "exemptCode": 3,
    "ocaType": 2, "rule80A": "I", "settlingFirm": "firm", "allOrNone": True, "minQty": 5, "percentOffset": 0.01,
    "auctionStrategy": 2, "startingPrice": 1.5, "stockRefPrice": 2.5, "delta": 0.4, "stockRangeLower": 3.5,
    "stockRangeUpper": 4.5, "volatility": 0.2, "volatilityType": 2, "deltaNeutralOrderType": "MKT",
    "deltaNeutralAuxPrice": 6.5, "deltaNeutralConId": 272093, "deltaNeutralSettlingFirm": "a",
    "deltaNeutralClearingAccount": "b", "deltaNeutralClearingIntent": "IB", "deltaNeutralOpenClose": "O",
    "deltaNeutralShortSale": True, "deltaNeutralShortSaleSlot": 1, "deltaNeutralDesignatedLocation": "there",
    "continuousUpdate": True, "referencePriceType": 2, "trailStopPrice": 244.0, "trailingPercent": 1.5,
    "scaleInitLevelSize": 10, "scaleSubsLevelSize": 11, "scalePriceIncrement": 0.02, "scalePriceAdjustValue": 0.03,
    "scalePriceAdjustInterval": 12, "scaleProfitOffset": 0.04, "scaleAutoReset": True, "scaleInitPosition": 13,
    "scaleInitFillQty": 14, "scaleRandomPercent": True, "hedgeType": "P", "hedgeParam": "2",
    "optOutSmartRouting": True, "clearingAccount": "clear", "clearingIntent": "Away", "notHeld": True,
    "algoStrategy": "Adaptive", "algoParams": [TagValue("adaptivePriority", "Urgent")], "solicited": True,
    "randomizeSize": True, "randomizePrice": True, "conditionsIgnoreRth": True, "conditionsCancelOrder": True,
    "adjustedOrderType": "TRAIL", "triggerPrice": 240.0, "lmtPriceOffset": 0.5, "adjustedStopPrice": 239.0,
    "adjustedStopLimitPrice": 238.0, "adjustedTrailingAmount": 2.0, "adjustableTrailingUnit": 1,
    "softDollarTier": SoftDollarTier("tier", "7", ""), "isOmsContainer": True, "dontUseAutoPriceForHedge": True,
    "discretionaryUpToLimitPrice": True, "usePriceMgmtAlgo": True, "cashQty": 100.0,
}  # fmt: skip
LATER: dict[int, dict[str, Any]] = {
    158: {"duration": 30}, 160: {"postToAts": 40}, 162: {"autoCancelParent": True},
    183: {"customerAccount": "customer"}, 184: {"professionalCustomer": True}, 189: {"includeOvernight": True},
    193: {"extOperator": "operator", "manualOrderIndicator": 1}, 199: {"imbalanceOnly": True},
}  # fmt: skip
OPEN_ONLY = {"blockOrder", "auctionStrategy", "optOutSmartRouting", "deltaNeutralSettlingFirm", "softDollarTier"}
OPEN_ONLY |= {"deltaNeutralClearingAccount", "deltaNeutralClearingIntent", "deltaNeutralOpenClose", "parentId"}
OPEN_ONLY |= {"adjustedOrderType", "triggerPrice", "adjustedStopPrice", "adjustedStopLimitPrice", "duration"}
OPEN_ONLY |= {"adjustedTrailingAmount", "adjustableTrailingUnit", "discretionaryUpToLimitPrice", "usePriceMgmtAlgo"}
OPEN_ONLY |= {"postToAts", "includeOvernight", "extOperator", "manualOrderIndicator"}


def conditions() -> list[Any]:
    price = order_condition.PriceCondition(2, 265598, "SMART", True, 250.25)
    time = order_condition.TimeCondition(True, "20261123 11:00:00 US/Eastern")
    margin, volume = order_condition.MarginCondition(False, 30.0), order_condition.VolumeCondition()
    volume.conId, volume.exchange, volume.isMore, volume.volume = 265598, "SMART", True, 1000
    change = order_condition.PercentChangeCondition(265598, "SMART", False, -2.5)
    return [price.Or(), time, margin, order_condition.ExecutionCondition("STK", "SMART", "AAPL"), volume, change]


def stock() -> Contract:
    found = Contract()
    found.conId, found.symbol, found.secType, found.exchange, found.currency = 265598, "AAPL", "STK", "SMART", "USD"
    return found


def order_of(**values: Any) -> Order:
    found = Order()
    for name, value in values.items():
        setattr(found, name, value)
    return found


def asked_of(encoder, sv, contract, wanted):
    client = encoder(sv)
    client.placeOrder(13, contract, wanted)
    (payload,) = client.sent
    return reading.decode(payload, sv)


def placed(encoder, sv, contract, wanted):
    """The broker's order as it would stand, checks left aside."""
    asked = asked_of(encoder, sv, contract, wanted)
    con_id = BAG_CON_ID if asked.contract.sec_type == "BAG" else asked.contract.con_id
    return asked, drafting.draft(asked, 5, 77, asked.account, con_id, NS)


def plain(value: Any) -> Any:
    if isinstance(value, list):
        return [plain(one) for one in value]
    return {k: plain(v) for k, v in vars(value).items()} if hasattr(value, "__dict__") else value


def shown(told: Order, names: Iterable[str]) -> dict[str, Any]:
    return {name: plain(getattr(told, name)) for name in names}


@pytest.fixture(scope="module")
def apple():
    return universe.build(date(2026, 11, 23)).by_con_id[265598]


def wanted_at(sv: int, **more: Any) -> dict[str, Any]:
    return PLAIN | {k: v for since, row in LATER.items() if sv >= since for k, v in row.items()} | more


@every_version
def test_every_field_that_is_placed_comes_back_in_open_order(heard, encoder, apple, sv):
    values = wanted_at(sv, conditions=conditions())
    _, order = placed(encoder, sv, stock(), order_of(**values))
    frame = tell.open_order(sv, order, apple)
    ((order_id, _, told, _),) = heard(sv, frame).named("openOrder")
    assert order_id == 13
    assert {name: plain(getattr(told, name)) for name in values} == {
        name: plain(value) for name, value in values.items()
    }


@every_version
def test_every_field_that_is_placed_comes_back_in_completed_order(heard, encoder, apple, sv):
    values = {k: v for k, v in wanted_at(sv, conditions=conditions()).items() if k not in OPEN_ONLY}
    _, order = placed(encoder, sv, stock(), order_of(**wanted_at(sv, conditions=conditions())))
    order.status, order.completed_ns, order.submitter = "Cancelled", NS, "me"
    ((_, told, state),) = heard(sv, tell.completed_order(sv, order, apple)).named("completedOrder")
    assert {name: plain(getattr(told, name)) for name in values} == {
        name: plain(value) for name, value in values.items()
    }
    assert state.completedTime == "20261123 09:30:03 US/Eastern"
    if sv >= 198:
        assert told.submitter == "me"


@every_version
def test_fields_of_pegged_orders(heard, encoder, apple, sv):
    contract = stock()
    contract.exchange = "IBKRATS"
    kinds: dict[str, dict[str, Any]] = {
        "PEG MID": {"midOffsetAtWhole": 0.01, "midOffsetAtHalf": 0.005},
        "PEG BEST": {"minCompeteSize": 3, "competeAgainstBestOffset": math.inf, "midOffsetAtHalf": 0.005},
        "PEG BENCH": {
            "referenceContractId": 272093, "isPeggedChangeAmountDecrease": True, "peggedChangeAmount": 0.5,
            "referenceChangeAmount": 0.25, "referenceExchangeId": "ISLAND",
        },
    }  # fmt: skip
    for kind, values in kinds.items():
        if kind != "PEG BENCH" and sv < 170:
            continue
        values = values | {"orderType": kind, "action": "BUY", "totalQuantity": Decimal(5)}
        values |= {"minTradeQty": 9} if sv >= 170 else {}
        asked, order = placed(encoder, sv, contract, order_of(**values))
        order.kind = asked.kind
        frame = tell.open_order(sv, order, apple)
        ((_, _, told, _),) = heard(sv, frame).named("openOrder")
        assert {name: getattr(told, name) for name in values} == values


@every_version
def test_a_combination_comes_back_with_legs_prices_and_routing(heard, encoder, sv):
    bag = Contract()
    bag.symbol, bag.secType, bag.exchange, bag.currency = "AAPL", "BAG", "SMART", "USD"
    bag.comboLegs = []
    for con_id, ratio, action in ((265598, 1, "BUY"), (272093, 2, "SELL")):
        leg = ComboLeg()
        leg.conId, leg.ratio, leg.action, leg.exchange, leg.openClose = con_id, ratio, action, "SMART", 1
        leg.shortSaleSlot, leg.designatedLocation, leg.exemptCode = 2, "here", 4
        bag.comboLegs.append(leg)
    bag.deltaNeutralContract = DeltaNeutralContract()
    bag.deltaNeutralContract.conId, bag.deltaNeutralContract.delta, bag.deltaNeutralContract.price = 8894, 0.5, 68.5
    prices = [OrderComboLeg(), OrderComboLeg()]
    prices[0].price = 245.5
    values = {
        "action": "BUY", "totalQuantity": Decimal(3), "orderType": "LMT", "lmtPrice": -1.25,
        "smartComboRoutingParams": [TagValue("NonGuaranteed", "1")], "orderComboLegs": prices,
    }  # fmt: skip
    _, order = placed(encoder, sv, bag, order_of(**values))
    ((_, told_bag, told, _),) = heard(sv, tell.open_order(sv, order, face("AAPL", "SMART"))).named("openOrder")
    assert (told_bag.conId, told_bag.secType, told_bag.tradingClass) == (BAG_CON_ID, "BAG", "COMB")
    assert told_bag.comboLegsDescrip == "265598|1,272093|-2"
    assert plain(told_bag.comboLegs) == plain(bag.comboLegs)
    assert plain(told_bag.deltaNeutralContract) == plain(bag.deltaNeutralContract)
    assert {name: plain(getattr(told, name)) for name in values} == {
        name: plain(value) for name, value in values.items()
    }


@every_version
def test_what_is_not_set_is_told_as_tws_tells_it(heard, encoder, apple, sv):
    _, order = placed(
        encoder,
        sv,
        stock(),
        order_of(action="BUY", totalQuantity=Decimal(1), orderType="MKT", account="DU1"),
    )
    ((_, _, told, state),) = heard(sv, tell.open_order(sv, order, apple)).named("openOrder")
    unset = Order()
    told_so = {
        "tif": "DAY", "lmtPrice": 0.0, "auxPrice": 0.0, "permId": 77, "orderId": 13, "clientId": 5, "cashQty": 0.0,
        "ocaType": 3, "volatilityType": 0, "deltaNeutralOrderType": "None", "deltaNeutralOpenClose": "?",
        "referencePriceType": 0, "clearingIntent": "IB", "adjustedOrderType": "None", "dontUseAutoPriceForHedge": True,
        "usePriceMgmtAlgo": False, "action": "BUY", "totalQuantity": Decimal(1), "orderType": "MKT",
        "account": "DU1",
    }  # fmt: skip
    expected = plain(unset) | told_so
    assert {k: v for k, v in plain(told).items() if v != expected[k]} == {}
    assert state.status == "PreSubmitted"


@pytest.mark.parametrize("sv", [157, 200])
def test_an_order_survives_json(encoder, sv):
    _, order = placed(encoder, sv, stock(), order_of(**wanted_at(sv, conditions=conditions())))
    assert ordering.restored(json.loads(json.dumps(ordering.dumped(order), default=str))) == order


@pytest.mark.parametrize("changes", [{"minQty": "many"}, {"lmtPrice": "1e"}, {"orderRef": "x" * 5000}])
def test_fields_that_cannot_be_read_are_refused_on_the_order_s_id(encoder, changes):
    with pytest.raises(BadRequest) as refused:
        asked_of(encoder, 178, stock(), order_of(**(PLAIN | changes)))
    assert (refused.value.req_id, refused.value.code) == (13, 320)


def test_a_condition_of_no_known_kind_or_value_is_refused(encoder):
    wrong = order_condition.PriceCondition(2, 265598, "SMART", True, "1_000")
    with pytest.raises(BadRequest) as refused:
        asked_of(encoder, 178, stock(), order_of(**(PLAIN | {"conditions": [wrong]})))
    assert refused.value.code == 320
