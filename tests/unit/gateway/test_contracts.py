"""Contract questions as the genuine client asks them, and answers as its decoder reads them, at every version."""

from datetime import date
from decimal import Decimal
from types import SimpleNamespace

import pytest
from ibapi.contract import Contract

from pipeline.gateway import keeping
from pipeline.gateway.answers.contracts import Contracts
from pipeline.gateway.asks import reading
from pipeline.gateway.asks.request import BadRequest, Plain
from pipeline.gateway.market.listing import BONDS

VERSIONS = [157, 163, 164, 170, 175, 176, 178, 181, 182, 185, 186, 187, 188, 193, 196, 198, 200]
every_version = pytest.mark.parametrize("sv", VERSIONS)
ES, CASH, US_T = "ES", "EUR", "91282CPJ4"


@pytest.fixture
def ask(listed, encoder, heard):
    """Put one request of the genuine client to the area; what its decoder reads of the answer comes back."""

    def put(sv, call, market=None):
        asking, frames = encoder(sv), []
        call(asking)
        request = reading.decode(asking.sent[0], sv)
        area = Contracts(SimpleNamespace(brokerage=market or listed))
        session = SimpleNamespace(sv=sv, send=lambda *more: frames.extend(more))
        if isinstance(request, Plain):
            area.plain()[request.name](session, request.req_id)
        else:
            area.answers()[type(request)](session, request)
        return heard(sv, *frames)

    return put


def contract(**fields) -> Contract:
    made = Contract()
    for name, value in fields.items():
        setattr(made, name, value)
    return made


def details(ask, sv, made, name="contractDetails", market=None):
    """The details told, after checking that one end follows."""
    recorder = ask(sv, lambda client: client.reqContractDetails(9, made), market)
    assert recorder.named("contractDetailsEnd") == [(9,)]
    assert all(call[0] == 9 for call in recorder.named(name))
    return [call[1] for call in recorder.named(name)]


def refusal(ask, made, sv=178):
    with pytest.raises(BadRequest) as refused:
        details(ask, sv, made)
    return refused.value.req_id, refused.value.code, refused.value.text


@every_version
def test_a_stock(ask, sv):
    (told,) = details(ask, sv, contract(symbol="AAPL", secType="STK", exchange="SMART", currency="USD"))
    asked = told.contract
    assert (asked.conId, asked.exchange, asked.primaryExchange, asked.tradingClass) == (
        265598, "SMART", "NASDAQ", "NMS",
    )  # fmt: skip
    assert (told.marketName, told.longName, told.stockType, told.aggGroup) == ("NMS", "APPLE INC", "COMMON", 1)
    assert [(tag.tag, tag.value) for tag in told.secIdList] == [("ISIN", "US0378331005")]
    assert told.tradingHours.startswith("20261123:0400-20261123:2000;")
    assert "20261126:CLOSED;20261127:0930-20261127:1300" in told.liquidHours
    if sv >= 164:
        assert (told.minSize, told.suggestedSizeIncrement) == (Decimal("0.0001"), Decimal(100))


@every_version
def test_a_future(ask, sv, listed):
    told = details(ask, sv, contract(symbol=ES, secType="FUT", exchange="CME"))
    assert [x.contract.localSymbol for x in told] == ["ESZ6", "ESH7", "ESM7"]
    front = told[0]
    assert (front.contract.lastTradeDateOrContractMonth, front.contractMonth) == ("20261218", "202612")
    assert (front.contract.multiplier, front.minTick, front.underSymbol, front.underSecType) == ("50", 0.25, ES, "IND")
    assert (front.realExpirationDate, front.timeZoneId, front.underConId) == ("20261218", "US/Central", 11004968)
    assert front.tradingHours.startswith("20261122:1700-20261123:1600;")
    if sv >= 182:
        assert front.contract.lastTradeDate == "20261218"
    if sv >= 164:
        assert front.sizeIncrement == 1


@every_version
def test_a_currency_pair(ask, sv):
    (told,) = details(ask, sv, contract(symbol=CASH, secType="CASH", exchange="IDEALPRO", currency="USD"))
    assert (told.contract.conId, told.contract.localSymbol, told.minTick) == (12087792, "EUR.USD", 0.00005)
    assert (told.aggGroup, told.marketRuleIds, told.validExchanges) == (4, "239", "IDEALPRO")
    assert told.tradingHours.startswith("20261122:1715-20261123:1700;")
    assert (told.realExpirationDate, told.contract.multiplier) == ("", "")
    assert not told.secIdList
    if sv >= 164:
        assert told.minSize == Decimal("0.01")


@every_version
def test_an_option_on_a_future(ask, sv, listed):
    made = contract(
        symbol=ES, secType="FOP", exchange="CME", lastTradeDateOrContractMonth="202701", strike=6500.0, right="P"
    )
    (told,) = details(ask, sv, made)
    assert (told.contract.strike, told.contract.right, told.contract.multiplier) == (6500.0, "P", "50")
    assert (told.underSymbol, told.underSecType) == ("ESH7", "FUT")
    assert told.underConId == next(x.con_id for x in listed.universe.futures(ES) if x.local_symbol == "ESH7")


@every_version
def test_an_index(ask, sv):
    (told,) = details(ask, sv, contract(symbol="VIX", secType="IND", exchange="CBOE"))
    assert (told.contract.conId, told.aggGroup, told.underSymbol) == (13455763, 2147483647, "")


@every_version
def test_a_bond_with_a_fraction_in_its_coupon(ask, sv):
    (told,) = details(ask, sv, contract(symbol=US_T, secType="BOND", exchange="SMART"), "bondContractDetails")
    assert (told.cusip, told.coupon, told.maturity, told.issueDate) == (US_T, 4.125, "20351115", "20251117")
    assert (told.ratings, told.bondType, told.couponType) == ("Aaa/AA+/AA+", "US TREASURY NOTE", "FIXED")
    assert (told.contract.symbol, told.descAppend, told.longName) == (
        "US-T", "US-T 4.125 11/15/35", "US TREASURY NOTE",
    )  # fmt: skip
    assert (told.minTick, told.marketRuleIds, told.convertible, told.callable) == (0.001, "2600", False, False)
    assert [(tag.tag, tag.value) for tag in told.secIdList] == [("ISIN", "US91282CPJ44")]
    if sv >= 188:
        assert (told.timeZoneId, told.liquidHours[:27]) == ("US/Eastern", "20261123:0800-20261123:1700")
    if sv >= 164:
        assert (told.minSize, told.suggestedSizeIncrement) == (1, 1)


def test_a_callable_bond_says_so(ask):
    (told,) = details(ask, 200, contract(symbol="037833BX7", secType="BOND"), "bondContractDetails")
    assert told.callable


@pytest.mark.parametrize("sv", [176, 187, 200])
def test_bonds_by_issuer(ask, sv):
    for bond in BONDS:
        told = details(ask, sv, contract(issuerId=bond.issuer_id, secType="BOND"), "bondContractDetails")
        assert [x.cusip for x in told] == [row.cusip for row in BONDS if row.issuer_id == bond.issuer_id]
        assert bond.coupon in [x.coupon for x in told]


@every_version
@pytest.mark.parametrize(("kind", "value"), [("ISIN", "US5949181045"), ("CUSIP", "594918104")])
def test_a_stock_by_its_security_id(ask, sv, kind, value):
    (told,) = details(ask, sv, contract(secType="STK", secIdType=kind, secId=value, exchange="SMART"))
    assert told.contract.symbol == "MSFT"


def test_a_con_id_is_enough(ask, listed):
    (told,) = details(ask, 178, contract(conId=265598))
    assert (told.contract.symbol, told.contract.exchange) == ("AAPL", "SMART")
    option = listed.universe.option("AAPL", 0, 245.0, "C")
    (told,) = details(ask, 178, contract(conId=option.con_id))
    assert told.contract.exchange == "SMART"


def test_a_partial_description_finds_all_that_fit(ask):
    chain = contract(symbol="AAPL", secType="OPT", exchange="SMART", lastTradeDateOrContractMonth="202612")
    assert len(details(ask, 178, chain)) == 40
    calls = contract(symbol="SPX", secType="OPT", exchange="CBOE", right="CALL", strike=6500.0)
    assert {x.contract.lastTradeDateOrContractMonth for x in details(ask, 178, calls)} == {"20261218", "20270115"}


def test_an_option_without_an_exchange_is_told_once_for_each(ask):
    made = contract(
        symbol="AAPL", secType="OPT", lastTradeDateOrContractMonth="20261218", strike=245.0, right="C", currency="USD"
    )
    told = details(ask, 178, made)
    assert [x.contract.exchange for x in told] == ["SMART", "CBOE", "AMEX", "PHLX", "ISE", "BOX", "PSE"]
    assert len({x.contract.conId for x in told}) == 1


def test_crude_is_named_by_its_month_not_by_its_last_day(ask):
    (told,) = details(ask, 178, contract(symbol="CL", secType="FUT", lastTradeDateOrContractMonth="202701"))
    assert (told.contract.localSymbol, told.contract.lastTradeDateOrContractMonth) == ("CLF7", "20261221")
    assert told.contractMonth == "202701"


def test_the_continuous_future_is_the_front_month(ask, listed):
    (told,) = details(ask, 178, contract(symbol=ES, secType="CONTFUT", exchange="CME"))
    assert (told.contract.secType, told.contract.conId) == ("CONTFUT", listed.universe.future(ES).con_id)
    both = details(ask, 178, contract(symbol=ES, secType="FUT+CONTFUT", exchange="CME"))
    assert [x.contract.secType for x in both] == ["FUT", "FUT", "FUT", "CONTFUT"]


def test_expired_futures_only_when_asked_for(ask):
    market = keeping.begin(date(2026, 11, 23), 7, 1.0)
    market.universe.roll(date(2026, 12, 21))
    made = contract(symbol=ES, secType="FUT", exchange="CME")
    assert [x.contract.localSymbol for x in details(ask, 178, made, market=market)] == ["ESH7", "ESM7", "ESU7"]
    made.includeExpired = True
    assert details(ask, 178, made, market=market)[0].contract.localSymbol == "ESZ6"


@pytest.mark.parametrize(
    ("fields", "code", "text"),
    [
        ({"symbol": "NOPE", "secType": "STK"}, 200, "No security definition has been found for the request"),
        ({"symbol": "AAPL", "secType": "STK", "exchange": "LSE"}, 200, "No security definition has been found"),
        ({"conId": 1}, 200, "No security definition has been found for the request"),
        ({"secIdType": "ISIN", "secId": "US0000000000", "secType": "STK"}, 200, "No security definition"),
        ({"symbol": "AAPL", "secType": "BAG"}, 321, "'BAG' isn't supported for contract data request. Please enter"),
        ({"symbol": "AAPL", "secType": "STOCK"}, 321, "cause - Please enter a valid security type"),
        ({"symbol": "AAPL"}, 321, "cause - Please enter a valid security type"),
        ({"secType": "STK"}, 321, "The symbol or the local-symbol or the security id must be entered"),
        ({"symbol": "EUR", "secType": "CASH", "exchange": "SMART"}, 200, "No security definition"),
    ],
)
def test_refusals(ask, fields, code, text):
    req_id, found, said = refusal(ask, contract(**fields))
    assert (req_id, found) == (9, code)
    assert text in said


@every_version
def test_option_parameters(ask, sv, listed):
    apple = ask(sv, lambda client: client.reqSecDefOptParams(3, "AAPL", "", "STK", 265598))
    rows = apple.named("securityDefinitionOptionParameter")
    assert [row[1] for row in rows] == ["SMART", "CBOE", "AMEX", "PHLX", "ISE", "BOX", "PSE"]
    assert rows[0][2:5] == (265598, "AAPL", "100")
    assert (rows[0][5], len(rows[0][6])) == ({"20261218", "20270115"}, 20)
    assert apple.named("securityDefinitionOptionParameterEnd") == [(3,)]
    spring = listed.universe.futures(ES)[1]
    future = ask(sv, lambda client: client.reqSecDefOptParams(4, ES, "CME", "FUT", spring.con_id))
    assert [row[1:6] for row in future.named("securityDefinitionOptionParameter")] == [
        ("CME", spring.con_id, ES, "50", {"20270115"})
    ]


def test_option_parameters_want_the_exchange_of_futures_alone(ask, listed):
    for asked in (("AAPL", "CBOE", "STK", 265598), (ES, "", "FUT", listed.universe.future(ES).con_id)):
        recorder = ask(178, lambda client, asked=asked: client.reqSecDefOptParams(3, *asked))
        assert [name for name, _ in recorder.calls] == ["securityDefinitionOptionParameterEnd"]
    with pytest.raises(BadRequest, match="Invalid contract id"):
        ask(178, lambda client: client.reqSecDefOptParams(3, "AAPL", "", "STK", 1))


@every_version
def test_symbol_samples(ask, sv):
    ((req_id, samples),) = ask(sv, lambda client: client.reqMatchingSymbols(5, "appl")).named("symbolSamples")
    assert req_id == 5
    assert (samples[0].contract.symbol, samples[0].derivativeSecTypes) == ("AAPL", ["OPT"])
    bonds = [x.contract for x in samples if x.contract.secType == "BOND"]
    assert len(bonds) == (1 if sv >= 176 else 0)
    if sv >= 176:
        assert samples[0].contract.description == "APPLE INC"
        assert (bonds[0].issuerId, bonds[0].description) == ("e1432232", "APPLE INC")
    ((_, funds),) = ask(sv, lambda client: client.reqMatchingSymbols(5, "QQQ")).named("symbolSamples")
    assert funds[0].contract.conId == 320227571
    ((_, none),) = ask(sv, lambda client: client.reqMatchingSymbols(5, "zzzz")).named("symbolSamples")
    assert none == []


@every_version
def test_market_rules_and_exchanges(ask, sv):
    ((_, steps),) = ask(sv, lambda client: client.reqMarketRule(239)).named("marketRule")
    assert [(step.lowEdge, step.increment) for step in steps] == [(0.0, 0.00005)]
    ((req_id, parts),) = ask(sv, lambda client: client.reqSmartComponents(6, "9c0001")).named("smartComponents")
    assert (req_id, len(parts)) == (6, 5)
    assert (parts[2].bitNumber, parts[2].exchange, parts[2].exchangeLetter) == (2, "ARCA", "P")
    ((exchanges,),) = ask(sv, lambda client: client.reqMktDepthExchanges()).named("mktDepthExchanges")
    assert ("CME", "FUT", "Deep") in {(x.exchange, x.secType, x.serviceDataType) for x in exchanges}
    assert [x.aggGroup for x in exchanges if x.exchange == "IDEALPRO"] == [4]


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda client: client.reqMarketRule(7), "Unknown market rule 7"),
        (lambda client: client.reqSmartComponents(6, "a60001"), "Invalid bbo exchange"),
    ],
)
def test_unknown_rules_and_maps_are_refused(ask, call, text):
    with pytest.raises(BadRequest, match=text) as refused:
        ask(178, call)
    assert refused.value.code == 321


def test_every_contract_is_told_with_what_its_rules_say(ask, listed):
    """A field too many or too few would shift the last ones, at any version."""
    for sv in (157, 163, 178, 200):
        for x in listed.universe.by_con_id.values():
            if x.sec_type in ("OPT", "FOP") and x.strike % 500:
                continue
            name = "bondContractDetails" if x.bond else "contractDetails"
            (told,) = details(ask, sv, contract(conId=x.con_id), name)
            assert told.contract.conId == x.con_id
            assert len(told.marketRuleIds.split(",")) == len(told.validExchanges.split(","))
            assert told.minTick == x.min_tick
