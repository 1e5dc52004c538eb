"""What account requests are answered with, and what is refused: read back by the genuine decoder."""

from decimal import Decimal

import pytest

from pipeline.gateway.answers.accounts import Accounts
from pipeline.gateway.broker.deliveries import Delivery
from tests.unit.gateway.account_desk import AccountDesk

VERSIONS = (157, 163, 170, 176, 178, 182, 187, 193, 196, 198, 200)
NO_ID = 2147483647


@pytest.fixture
def desk(brokerage, encoder, heard):
    return AccountDesk(brokerage, encoder, heard)


@pytest.fixture
def quiet(listed, encoder, heard):
    """A desk over a broker that no test changes."""
    return AccountDesk(listed, encoder, heard)


@pytest.mark.parametrize("sv", VERSIONS)
def test_every_report_is_read_back_at_every_version(listed, encoder, heard, sv):
    desk = AccountDesk(listed, encoder, heard, sv)
    account = listed.accounts["DU1234501"]
    held = [c for c, p in account.positions.items() if p.quantity]
    told = desk.ask(lambda c: c.reqAccountUpdates(True, "DU1234501"))
    values = {(key, currency): value for key, value, currency, _ in told.named("updateAccountValue")}
    assert values["NetLiquidation", "USD"] == f"{listed.bank.figures(account).net:.2f}"
    assert [row[0].conId for row in told.named("updatePortfolio")] == held
    assert told.named("updateAccountTime") == [("09:30",)]
    assert told.named("accountDownloadEnd") == [("DU1234501",)]
    told = desk.ask(lambda c: c.reqPositions())
    assert len(told.named("position")) == sum(len(a.positions) for a in listed.accounts.values())
    assert told.named("positionEnd") == [()]
    told = desk.ask(lambda c: c.reqPositionsMulti(4, "DU1234501", ""))
    assert [row[3].conId for row in told.named("positionMulti")] == held
    assert {row[:3] for row in told.named("positionMulti")} == {(4, "DU1234501", "")}
    assert told.named("positionMultiEnd") == [(4,)]
    told = desk.ask(lambda c: c.reqAccountUpdatesMulti(5, "DU1234502", "", False))
    assert {row[:3] for row in told.named("accountUpdateMulti")} == {(5, "DU1234502", "")}
    assert told.named("accountUpdateMultiEnd") == [(5,)]
    told = desk.ask(lambda c: c.reqPnL(6, "DU1234501", ""))
    assert told.named("pnl")[0][2] == float(listed.bank.figures(account).unrealized)
    told = desk.ask(lambda c: c.reqPnLSingle(7, "DU1234501", "", 265598))
    assert told.named("pnlSingle")[0][:2] == (7, Decimal(600))
    told = desk.ask(lambda c: c.reqFamilyCodes())
    ((codes,),) = told.named("familyCodes")
    assert [(row.accountID, row.familyCodeStr) for row in codes] == [("DU1234501", ""), ("DU1234502", "")]


def test_summary_gives_tags_by_account_and_currencies_of_all(quiet):
    desk = quiet
    told = desk.ask(lambda c: c.reqAccountSummary(3, "All", "NetLiquidation,Leverage,SettledCash,Cushion"))
    rows = {(row[1], row[2]): row[3:] for row in told.named("accountSummary")}
    assert len(rows) == 8
    assert rows["DU1234501", "Cushion"][1] == ""
    assert told.named("accountSummaryEnd") == [(3,)]
    bank = desk.brokerage.bank
    both = sum(bank.figures(account).net for account in bank.accounts.values())
    told = desk.ask(lambda c: c.reqAccountSummary(4, "All", "$LEDGER:ALL"))
    rows = {row[2:4] if row[4] == "BASE" else ("", "") for row in told.named("accountSummary")}
    assert ("NetLiquidationByCurrency", f"{both:.2f}") in rows
    assert {row[1] for row in told.named("accountSummary")} == {"All"}
    assert {row[4] for row in told.named("accountSummary")} == {"BASE", "USD"}
    desk.ask(lambda c: c.cancelAccountSummary(4))
    told = desk.ask(lambda c: c.reqAccountSummary(5, "All", "$LEDGER"))
    assert {row[4] for row in told.named("accountSummary")} == {"BASE"}


def test_tags_are_told_once_and_kept_short(quiet):
    tags = "NetLiquidation, NetLiquidation ,Nonsense," + "x" * 200 + "," + "Cushion," * 100_000
    told = quiet.ask(lambda c: c.reqAccountSummary(3, "All", tags))
    assert sorted(row[2] for row in told.named("accountSummary")) == ["Cushion"] * 2 + ["NetLiquidation"] * 2
    assert len(quiet.session.watching.summary[3].tags) < 100


def test_a_refusal_shows_the_beginning_of_a_long_name(quiet):
    _, code, text = quiet.ask(lambda c: c.reqPositionsMulti(5, "D" * 100_000, ""))
    assert (code, len(text) < 200) == (321, True)


REFUSED = [
    (lambda c: c.reqAccountUpdates(True, ""), (NO_ID, 321), "The account code is required for this operation."),
    (lambda c: c.reqAccountUpdates(True, "DU9"), (NO_ID, 321), "Invalid account code 'DU9'."),
    (lambda c: c.reqAccountUpdatesMulti(5, "DU9", "", False), (5, 321), "Invalid account code 'DU9'."),
    (lambda c: c.reqPositionsMulti(5, "DU1234501", "Core"), (5, 321), "Unknown model 'Core'"),
    (lambda c: c.reqAccountSummary(5, "All", ""), (5, 321), "Tags cannot be null"),
    (lambda c: c.reqAccountSummary(5, "", "NetLiquidation"), (5, 321), "Group name cannot be null"),
    (lambda c: c.reqAccountSummary(5, "Nobody", "NetLiquidation"), (5, 321), "Group name is invalid"),
    (lambda c: c.reqPnL(5, " ", ""), (5, 321), "Account must not be empty"),
    (lambda c: c.reqPnLSingle(5, "DU9", "", 265598), (5, 321), "Invalid account code"),
    (lambda c: c.cancelPnL(5), (5, 10185), "Failed to cancel PNL (not subscribed)"),
    (lambda c: c.cancelPnLSingle(5), (5, 10186), "Failed to cancel PNL single (not subscribed)"),
    (lambda c: c.requestFA(1), (NO_ID, 321), "FA data operations ignored for non FA customers."),
    (lambda c: c.replaceFA(5, 1, "<ListOfGroups/>"), (5, 321), "FA data operations ignored for non FA customers."),
]


@pytest.mark.parametrize(("make", "where", "text"), REFUSED, ids=[row[2] + str(n) for n, row in enumerate(REFUSED)])
def test_what_tws_refuses_is_refused_in_its_words(quiet, make, where, text):
    req_id, code, said = quiet.ask(make)
    assert (req_id, code) == where
    assert said.endswith(text)


def test_a_third_summary_and_a_second_profit_of_one_id_are_refused(quiet):
    desk = quiet
    for req_id in (1, 2):
        desk.ask(lambda c, n=req_id: c.reqAccountSummary(n, "All", "NetLiquidation"))
    req_id, code, text = desk.ask(lambda c: c.reqAccountSummary(3, "All", "NetLiquidation"))
    assert (req_id, code) == (3, 322)
    assert text.endswith("Maximum number of account summary requests exceeded; desubscribe to previous request first")
    desk.ask(lambda c: c.cancelAccountSummary(1))
    assert desk.ask(lambda c: c.reqAccountSummary(3, "All", "NetLiquidation")).named("accountSummaryEnd") == [(3,)]
    desk.ask(lambda c: c.reqPnL(8, "DU1234501", ""))
    assert desk.ask(lambda c: c.reqPnL(8, "DU1234501", ""))[:2] == (8, 102)


def test_two_multi_requests_of_one_id_are_refused(quiet):
    quiet.ask(lambda c: c.reqAccountUpdatesMulti(5, "DU1234501", "", False))
    assert quiet.ask(lambda c: c.reqAccountUpdatesMulti(5, "DU1234502", "", False))[:2] == (5, 322)
    quiet.ask(lambda c: c.cancelAccountUpdatesMulti(5))
    told = quiet.ask(lambda c: c.reqAccountUpdatesMulti(5, "DU1234502", "", False))
    assert told.named("accountUpdateMultiEnd") == [(5,)]


def test_the_end_of_account_updates_is_told(quiet):
    quiet.ask(lambda c: c.reqAccountUpdates(True, "DU1234501"))
    for make in (
        lambda c: c.reqAccountUpdates(True, "DU1234502"),
        lambda c: c.reqAccountUpdates(False, "DU1234502"),
    ):
        ((req_id, _, code, text, _),) = quiet.ask(make).named("error")
        assert (req_id, code) == (-1, 2100)
        assert text == "API client has been unsubscribed from account data."
    assert quiet.ask(lambda c: c.reqAccountUpdates(False, "DU1234502")).named("error") == []


def test_a_contract_that_is_not_held_gets_its_profit_once_it_is(desk):
    account = desk.brokerage.accounts["DU1234501"]
    told = desk.ask(lambda c: c.reqPnLSingle(9, "DU1234501", "", 8894))
    assert told.named("pnlSingle") == []
    account.fill(desk.brokerage.universe.by_con_id[8894], 100, 60.0)
    desk.front.cycle(10.0)
    assert desk.told().named("pnlSingle")[0][:2] == (9, Decimal(100))


def test_what_has_no_price_has_no_profit(desk, monkeypatch):
    monkeypatch.setattr(desk.brokerage.bank, "price", lambda _x: float("nan"))
    ((*_, quantity, daily, unrealized, realized, value),) = desk.ask(
        lambda c: c.reqPnLSingle(9, "DU1234501", "", 265598)
    ).named("pnlSingle")
    assert (quantity, realized) == (600, 0.0)
    assert {daily, unrealized, value} == {1.7976931348623157e308}


def test_profit_comes_each_second_and_only_when_it_changed(desk):
    desk.ask(lambda c: c.reqPnL(6, "DU1234501", ""))
    desk.front.cycle(10.0)
    assert desk.told().named("pnl") == []
    desk.brokerage.market.advance(4)
    desk.front.cycle(10.5)
    assert desk.told().named("pnl") == []
    desk.front.cycle(11.0)
    assert len(desk.told().named("pnl")) == 1
    desk.ask(lambda c: c.cancelPnL(6))
    desk.brokerage.market.advance(8)
    desk.front.cycle(12.0)
    assert desk.told().named("pnl") == []


def test_every_three_minutes_values_come_that_changed_and_the_whole_portfolio(desk):
    desk.ask(lambda c: c.reqAccountUpdates(True, "DU1234501"))
    desk.ask(lambda c: c.reqAccountSummary(3, "All", "NetLiquidation,AccountType"))
    began = next(area for area in desk.front.areas if isinstance(area, Accounts))._told[desk.session]
    desk.brokerage.market.advance(8)
    desk.front.cycle(began + 179.0)
    assert desk.told().calls == []
    desk.front.cycle(began + 180.0)
    told = desk.told()
    keys = {row[0] for row in told.named("updateAccountValue")}
    assert "NetLiquidation" in keys
    assert "AccountCode" not in keys
    assert len(told.named("updatePortfolio")) == 22
    assert {row[2] for row in told.named("accountSummary")} == {"NetLiquidation"}
    desk.ask(lambda c: c.reqAccountUpdates(False, "DU1234501"))
    desk.brokerage.market.advance(16)
    desk.front.cycle(began + 400.0)
    assert desk.told().named("updateAccountValue") == []


def test_a_fill_tells_position_values_and_portfolio_but_no_summary(desk):
    for make in (
        lambda c: c.reqAccountUpdates(True, "DU1234501"),
        lambda c: c.reqAccountSummary(3, "All", "TotalCashValue"),
        lambda c: c.reqPositions(),
        lambda c: c.reqPositionsMulti(4, "DU1234502", ""),
        lambda c: c.reqAccountUpdatesMulti(5, "DU1234501", "", True),
    ):
        desk.ask(make)
    brokerage = desk.brokerage
    brokerage.accounts["DU1234501"].fill(brokerage.universe.by_con_id[8894], 10, 68.0)
    desk.front.heard([brokerage.executions.deliver(Delivery("DU1234501", 8894, 10, 68.0))])
    told = desk.told()
    assert [(row[0].conId, row[1]) for row in told.named("updatePortfolio")] == [(8894, Decimal(10))]
    assert [(row[0], row[1].conId, row[2]) for row in told.named("position")] == [("DU1234501", 8894, Decimal(10))]
    assert told.named("positionMulti") == []
    assert "CashBalance" in {row[3] for row in told.named("accountUpdateMulti")}
    assert "InitMarginReq" not in {row[3] for row in told.named("accountUpdateMulti")}
    assert told.named("accountSummary") == []


def test_a_name_for_everybody_gets_the_sums(quiet):
    desk = quiet
    bank = desk.brokerage.bank
    told = desk.ask(lambda c: c.reqAccountUpdates(True, "All"))
    values = {(key, currency): value for key, value, currency, _ in told.named("updateAccountValue")}
    assert values["NetLiquidation", "USD"] == f"{sum(bank.figures(a).net for a in bank.accounts.values()):.2f}"
    shares = {row[0].conId: row[1] for row in told.named("updatePortfolio")}
    assert shares[265598] == 900
    assert told.named("accountDownloadEnd") == [("All",)]


def test_subscriptions_of_one_client_are_bounded(quiet):
    desk = quiet
    for req_id in range(200):
        desk.session.watching.positions_multi[1000 + req_id] = None
    assert desk.ask(lambda c: c.reqPositionsMulti(4, "DU1234502", ""))[:2] == (4, 322)
