"""Every frame goes through the genuine client's Decoder, version by version: it must hear what was meant."""

from decimal import Decimal

import pytest

from pipeline.gateway.answers import reports
from pipeline.gateway.asks.accounts import AccountSummary, AccountUpdatesMulti, PnL
from pipeline.gateway.broker.ordering import Fill, Order, Preview
from pipeline.gateway.limits import Limits
from pipeline.gateway.session import Session
from pipeline.gateway.tells import accounts, contracts, frames, orders, ticks

VERSIONS = [
    157,
    158,
    160,
    162,
    163,
    164,
    166,
    170,
    176,
    177,
    178,
    182,
    183,
    184,
    185,
    186,
    189,
    193,
    194,
    195,
    198,
    199,
    200,
]
every_version = pytest.mark.parametrize("sv", VERSIONS)
NS = 1_795_444_203_000_000_000  # 2026-11-23 09:30:03 New York


def order(**changes):
    facts = {"limit": 244.5, "ref": "mine", "status": "Submitted", "filled": 40, "paid": Decimal("9780.00")}
    return Order(13, 5, 1376327563, "DU1234501", 265598, "SMART", "BUY", 100, "LMT", **(facts | changes))


def fill():
    return Fill(
        "0002512c.65000001.01.01", 13, 5, 1376327563, "DU1234501", 265598, "SMART", "BUY", 40, 244.5, NS, 40, 244.5,
        "mine", Decimal("0.35"), Decimal("12.34"),
    )  # fmt: skip


def preview():
    values = [Decimal(n) for n in ("1000.00", "900.00", "5000.00", "1100.50", "990.00", "4999.65", "0.35", "100.00")]
    return Preview(*values)


@every_version
def test_contract_details_of_a_stock(heard, listed, sv):
    x = listed.universe.stock("AAPL")
    frame = contracts.contract_details(sv, 7, x, listed.universe, "SMART")
    ((req_id, details),) = heard(sv, frame).named("contractDetails")
    assert req_id == 7
    contract = details.contract
    assert (contract.conId, contract.symbol, contract.secType, contract.exchange, contract.primaryExchange) == (
        265598, "AAPL", "STK", "SMART", "NASDAQ",
    )  # fmt: skip
    assert (details.longName, details.minTick, details.marketRuleIds.split(",")[0]) == ("APPLE INC", 0.01, "26")
    assert details.stockType == "COMMON"
    assert details.liquidHours.startswith("20261123:0930-20261123:1600")
    assert details.timeZoneId == "US/Eastern"
    if sv >= 164:
        assert details.minSize == Decimal("0.0001")


@every_version
def test_contract_details_of_an_option(heard, listed, sv):
    x = listed.universe.option("SPX", 0, 6500.0, "P")
    frame = contracts.contract_details(sv, 7, x, listed.universe, "")
    ((_, details),) = heard(sv, frame).named("contractDetails")
    contract = details.contract
    assert (contract.strike, contract.right, contract.multiplier, contract.tradingClass) == (6500.0, "P", "100", "SPXW")
    assert contract.lastTradeDateOrContractMonth == "20261218"
    assert (details.underConId, details.underSymbol, details.underSecType) == (416904, "SPX", "IND")
    assert (details.realExpirationDate, details.contractMonth) == ("20261218", "202612")
    assert (details.lastTradeTime, details.aggGroup) == ("15:00", 2)


@every_version
def test_open_order(heard, listed, sv):
    frame = orders.open_order(sv, order(), listed.universe.stock("AAPL"))
    ((order_id, contract, told, state),) = heard(sv, frame).named("openOrder")
    assert (order_id, contract.conId, contract.right) == (13, 265598, "?")
    assert (told.action, told.totalQuantity, told.orderType, told.lmtPrice) == ("BUY", Decimal(100), "LMT", 244.5)
    assert (told.account, told.orderRef, told.clientId, told.permId, told.tif) == (
        "DU1234501", "mine", 5, 1376327563, "DAY",
    )  # fmt: skip
    assert (state.status, told.whatIf, state.initMarginAfter) == ("Submitted", False, frames.UNSET)
    assert (told.adjustedOrderType, told.cashQty) == ("None", 0.0)


@every_version
def test_what_if_answer(heard, listed, sv):
    frame = orders.open_order(sv, order(what_if=True), listed.universe.stock("AAPL"), preview())
    ((_, _, told, state),) = heard(sv, frame).named("openOrder")
    assert told.whatIf is True
    assert (state.initMarginBefore, state.initMarginChange, state.initMarginAfter) == ("1000.00", "100.50", "1100.50")
    assert (state.maintMarginBefore, state.maintMarginChange, state.maintMarginAfter) == ("900.00", "90.00", "990.00")
    assert (state.equityWithLoanBefore, state.equityWithLoanChange) == ("5000.00", "-0.35")
    assert (state.commissionAndFees, state.commissionAndFeesCurrency) == (0.35, "USD")
    assert state.warningText == ""


@every_version
def test_the_last_field_of_an_order_is_read_as_what_it_is(heard, listed, sv):
    """A field too many or too few would shift the ones at the end."""
    frame = orders.open_order(sv, order(submitter="me"), listed.universe.stock("AAPL"))
    ((_, _, told, _),) = heard(sv, frame).named("openOrder")
    assert told.dontUseAutoPriceForHedge is True
    if sv >= 193:
        assert told.manualOrderIndicator == 2147483647
    if sv >= 198:
        assert told.submitter == "me"


@every_version
def test_completed_order(heard, listed, sv):
    done = order(status="Filled", filled=100, completed_ns=NS, submitter="me")
    ((contract, told, state),) = heard(sv, orders.completed_order(sv, done, listed.universe.stock("AAPL"))).named(
        "completedOrder"
    )
    assert (contract.conId, told.account, told.permId, told.lmtPrice) == (265598, "DU1234501", 1376327563, 244.5)
    assert (state.status, state.completedStatus) == ("Filled", "Filled Size: 100")
    assert state.completedTime == "20261123 09:30:03 US/Eastern"
    assert told.filledQuantity == Decimal(100)
    if sv >= 198:
        assert told.submitter == "me"


@every_version
def test_execution_and_commission(heard, listed, sv):
    told = orders.execution(sv, -1, fill(), listed.universe.stock("AAPL")), orders.commission(fill())
    recorder = heard(sv, *told)
    ((req_id, contract, execution),) = recorder.named("execDetails")
    assert (req_id, contract.conId, execution.execId) == (-1, 265598, "0002512c.65000001.01.01")
    assert (execution.side, execution.shares, execution.price, execution.avgPrice) == ("BOT", Decimal(40), 244.5, 244.5)
    assert (execution.cumQty, execution.permId, execution.clientId, execution.orderId) == (40, 1376327563, 5, 13)
    assert (execution.time, execution.acctNumber) == ("20261123 09:30:03 US/Eastern", "DU1234501")
    assert (execution.orderRef, execution.lastLiquidity) == ("mine", 2)
    ((report,),) = recorder.named("commissionAndFeesReport")
    assert (report.execId, report.commissionAndFees, report.realizedPNL) == (fill().exec_id, 0.35, 12.34)


@every_version
def test_order_status_and_errors(heard, sv):
    recorder = heard(sv, orders.order_status(order()), frames.error(sv, 13, 201, "Order rejected - reason:x", 5000))
    ((order_id, status, filled, remaining, average, *_),) = recorder.named("orderStatus")
    assert (order_id, status, filled, remaining, average) == (13, "Submitted", Decimal(40), Decimal(60), 244.5)
    ((req_id, time_ms, code, text, *_),) = recorder.named("error")
    assert (req_id, code, text, time_ms) == (13, 201, "Order rejected - reason:x", 5000 if sv >= 194 else 0)


@pytest.mark.parametrize("sv", [157, 176, 200])
def test_symbols_rules_parameters_and_greetings(heard, listed, sv):
    universe = listed.universe
    recorder = heard(
        sv,
        contracts.symbol_samples(sv, 3, universe.matching("AAPL"), universe),
        contracts.market_rule(109),
        *contracts.option_parameters(4, universe.stock("AAPL"), universe.options("AAPL")),
        frames.managed_accounts(["DU1234501", "DU1234502"]),
        frames.next_valid_id(42),
        frames.current_time(1_700_000_000),
    )
    ((_, (sample,)),) = recorder.named("symbolSamples")
    assert (sample.contract.conId, sample.derivativeSecTypes) == (265598, ["OPT"])
    ((_, steps),) = recorder.named("marketRule")
    assert [(step.lowEdge, step.increment) for step in steps] == [(0.0, 0.01), (3.0, 0.05)]
    exchange = recorder.named("securityDefinitionOptionParameter")[0]
    assert exchange[1:5] == ("SMART", 265598, "AAPL", "100")
    assert (len(exchange[5]), len(exchange[6])) == (2, 20)
    assert recorder.named("securityDefinitionOptionParameterEnd") == [(4,)]
    assert recorder.named("managedAccounts") == [("DU1234501,DU1234502",)]
    assert (recorder.named("nextValidId"), recorder.named("currentTime")) == ([(42,)], [(1_700_000_000,)])


@every_version
def test_ticks(heard, sv):
    heads = ticks.heads(11)
    told = [
        frames.prefixed(heads[ticks.PRICE], ticks.tick_price(1, 150.25, 300, 1)),
        frames.prefixed(heads[ticks.SIZE], ticks.tick_size(8, 123)),
        frames.prefixed(heads[ticks.STRING], ticks.tick_string(45, "1700000000")),
        frames.prefixed(heads[ticks.GENERIC], ticks.tick_generic(49, 0.0)),
        frames.prefixed(heads[ticks.OPTION], ticks.tick_option(13, 0.25, 0.5, 12.75, 0.05, 0.02, -0.01, 150.25)),
        ticks.market_data_type(11, 1),
        ticks.tick_req_params(11, 0.01, "9c0001", 3),
        ticks.snapshot_end(11),
    ]
    recorder = heard(sv, *told)
    ((req_id, kind, price, attributes),) = recorder.named("tickPrice")
    assert (req_id, kind, price, attributes.canAutoExecute) == (11, 1, 150.25, True)
    assert recorder.named("tickSize") == [(11, 0, Decimal(300)), (11, 8, Decimal(123))]  # the first is the echo
    assert recorder.named("tickString") == [(11, 45, "1700000000")]
    assert recorder.named("tickGeneric") == [(11, 49, 0.0)]
    ((*_, iv, delta, price, _, gamma, vega, theta, under),) = recorder.named("tickOptionComputation")
    assert (iv, delta, price, gamma, vega, theta, under) == (0.25, 0.5, 12.75, 0.05, 0.02, -0.01, 150.25)
    assert recorder.named("tickReqParams") == [(11, 0.01, "9c0001", 3)]
    assert (recorder.named("marketDataType"), recorder.named("tickSnapshotEnd")) == ([(11, 1)], [(11,)])


def test_accounts_positions_and_profit(heard, listed):
    account, session = listed.accounts["DU1234501"], Session("x", Limits())
    session.watching.updates = "DU1234501"
    held = reports.held(account)
    recorder = heard(
        200,
        *reports.updates(session, listed, None),
        accounts.account_download_end("DU1234501"),
        *reports.positions(listed, account, held),
        *reports.positions(listed, account, held, 9),
        *reports.multi(session, listed, AccountUpdatesMulti(10, "DU1234501")),
        *reports.summary(session, listed, AccountSummary(11, "All", "NetLiquidation,$LEDGER:USD")),
        reports.pnl(listed, PnL(12, "DU1234501")),
        reports.pnl(listed, PnL(13, "DU1234501", 265598)),
    )
    values = {key: value for key, value, currency, _ in recorder.named("updateAccountValue") if currency != "BASE"}
    assert values["NetLiquidation"] == f"{listed.bank.figures(account).net:.2f}"
    portfolio = recorder.named("updatePortfolio")
    assert len(portfolio) == len(held)
    stock = next(row for row in portfolio if row[0].conId == 265598)
    assert stock[1] == Decimal(600)
    assert stock[3] == pytest.approx(float(stock[1]) * stock[2], abs=0.005)
    assert [row[1].conId for row in recorder.named("position")] == held
    assert len(recorder.named("positionMulti")) == len(held)
    assert ("NetLiquidation", values["NetLiquidation"]) in [row[3:5] for row in recorder.named("accountUpdateMulti")]
    assert {row[1] for row in recorder.named("accountSummary")} == {"DU1234501", "DU1234502", "All"}
    ((_, daily, unrealized, realized),) = recorder.named("pnl")
    assert unrealized == float(listed.bank.figures(account).unrealized)
    assert (recorder.named("pnlSingle")[0][1], realized) == (Decimal(600), 0.0)
    assert daily == float(sum(listed.bank.daily(account, con_id) for con_id in account.positions))


def test_only_what_changed_is_told_again(brokerage):
    session = Session("x", Limits())
    asked = AccountUpdatesMulti(10, "DU1234501")
    assert len(reports.multi(session, brokerage, asked)) > 90
    assert reports.multi(session, brokerage, asked) == []
    brokerage.accounts["DU1234501"].cash += Decimal("1.00")
    again = b"".join(reports.multi(session, brokerage, asked))
    assert b"TotalCashValue" in again
    assert b"MaintMarginReq\0" not in again


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (150.25, "150.25"),
        (0.0, "0.0"),
        (1e-7, "0.0000001"),
        (-0.5, "-0.5"),
        (float("nan"), frames.UNSET),
        (1e22, "1" + "0" * 22 + ".0"),
        (float("inf"), "Infinity"),
        (True, "1"),
        (None, ""),
        ("Bürgerbräu", "B\\xfcrgerbr\\xe4u"),
        ("a\0b", "a b"),
    ],
)
def test_values_are_spelled_as_tws_does(value, text):
    assert frames.spell(value) == text
