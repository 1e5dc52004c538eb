from datetime import date

import pytest

from pipeline.gateway.market import universe
from pipeline.gateway.market.universe import Description

DAY = date(2026, 11, 23)


@pytest.fixture(scope="module")
def all_contracts():
    return universe.build(DAY)


def test_what_is_listed(all_contracts):
    kinds = [x.sec_type for x in all_contracts.by_con_id.values()]
    assert (kinds.count("STK"), kinds.count("IND"), kinds.count("FUT")) == (18, 3, 13)
    assert (kinds.count("CASH"), kinds.count("BOND"), kinds.count("FOP")) == (6, 4, 80)
    assert kinds.count("OPT") == 3 * 2 * 20 * 2


def test_real_contract_ids_and_deterministic_ones(all_contracts):
    assert all_contracts.stock("AAPL").con_id == 265598
    assert all_contracts.stock("SPX").con_id == 416904
    again = universe.build(DAY)
    assert list(again.by_con_id) == list(all_contracts.by_con_id)
    assert all(0 < con_id < 1 << 31 for con_id in again.by_con_id)


def test_a_contract_keeps_its_id_on_another_day(all_contracts):
    later = universe.build(date(2026, 11, 30))
    assert later.option("AAPL", 0, 245.0, "C").con_id == all_contracts.option("AAPL", 0, 245.0, "C").con_id


@pytest.mark.parametrize(
    ("wanted", "count"),
    [
        (Description(con_id=265598), 1),
        (Description(con_id=1), 0),
        (Description(con_id=265598, exchange="LSE"), 0),
        (Description(symbol="AAPL", sec_type="STK", exchange="SMART", currency="USD"), 1),
        (Description(symbol="AAPL", sec_type="STK", currency="EUR"), 0),
        (Description(symbol="AAPL", sec_type="OPT"), 80),
        (Description(symbol="AAPL", sec_type="OPT", expiry="202612"), 40),
        (Description(symbol="AAPL", sec_type="OPT", expiry="20261218", strike=245.0, right="CALL"), 1),
        (Description(local_symbol="ESZ6"), 1),
        (Description(symbol="SPX", sec_type="OPT", trading_class="SPXW", right="P", strike=6500.0), 2),
        (Description(sec_type="STK"), 0),
    ],
)
def test_descriptions_find_what_they_say(all_contracts, wanted, count):
    assert len(all_contracts.find(wanted)) == count


def test_matching_symbols_by_symbol_and_by_name(all_contracts):
    assert all_contracts.matching("aap")[0].symbol == "AAPL"
    assert [x.symbol for x in all_contracts.matching("alphabet")] == ["GOOGL"]
    assert all_contracts.matching("  ") == []


@pytest.mark.parametrize(
    ("rule", "price", "step"),
    [(26, 5.0, 0.01), (109, 2.99, 0.01), (109, 3.0, 0.05), (110, 3.5, 0.10), (67, 6500.0, 0.25)],
)
def test_price_steps(rule, price, step):
    assert universe.price_step(rule, price) == step


def test_a_continuous_future_stands_for_the_front_month(all_contracts):
    wanted = Description(symbol="ES", sec_type="CONTFUT", exchange="CME")
    assert all_contracts.find(all_contracts.front(wanted)) == [all_contracts.future("ES")]
    nothing = Description(symbol="YM", sec_type="CONTFUT", exchange="CBOT")
    assert all_contracts.front(nothing) == nothing


def test_isins_are_those_of_the_cusips(all_contracts):
    assert {x: all_contracts.stock(x).isin for x in ("AAPL", "KO")} == {
        "AAPL": "US0378331005",
        "KO": "US1912161007",
    }


def test_contracts_of_every_type_find_their_underlying(all_contracts):
    for x in all_contracts.by_con_id.values():
        if x.sec_type in ("OPT", "FOP"):
            under = all_contracts.by_con_id[x.under_con_id]
            assert under.expiry >= x.expiry if x.sec_type == "FOP" else under.symbol == x.symbol
