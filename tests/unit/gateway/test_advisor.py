"""An advisor's master, clients, groups, aliases and models."""

import json
from datetime import date

import pytest

from pipeline.gateway import keeping
from pipeline.gateway.broker.advisor import ALIASES, GROUPS, BadAccounts, BadXml
from tests.unit.gateway.account_desk import AccountDesk

DAY = date(2026, 11, 23)
ONE_GROUP = """<?xml version="1.0" encoding="UTF-8"?>
<ListOfGroups><Group><name>Mine</name><defaultMethod>Equal</defaultMethod>
<ListOfAccts varName="list"><Account><acct>DU1234502</acct></Account></ListOfAccts></Group></ListOfGroups>"""
OLD_GROUP = """<ListOfGroups><Group><name>Old</name><ListOfAccts varName="list"><String>DU1234501</String>
<String>DU1234502</String></ListOfAccts><defaultMethod>NetLiq</defaultMethod></Group></ListOfGroups>"""


@pytest.fixture
def advised():
    return keeping.begin(DAY, 7, 1.0, advised=True)


@pytest.fixture(scope="module")
def standing():
    """A market with an advisor that no test changes."""
    return keeping.begin(DAY, 7, 1.0, advised=True)


@pytest.fixture
def desk(standing, encoder, heard):
    return AccountDesk(standing, encoder, heard)


def test_there_is_none_unless_it_is_asked_for(listed):
    assert list(listed.accounts) == ["DU1234501", "DU1234502"]
    assert listed.bank.advisor is None


def test_the_master_comes_first_and_holds_cash_alone(desk):
    told = desk.ask(lambda c: c.reqManagedAccts())
    assert told.named("managedAccounts") == [("DF1234500,DU1234501,DU1234502",)]
    bank = desk.brokerage.bank
    assert bank.figures(bank.accounts["DF1234500"]).net == 25_000


def test_clients_stand_as_they_do_without_an_advisor(standing, listed):
    for name, account in listed.accounts.items():
        assert standing.bank.figures(standing.accounts[name]) == listed.bank.figures(account)


@pytest.mark.parametrize("sv", [157, 163, 176, 178, 200])
def test_groups_and_aliases_are_told_and_replaced(advised, encoder, heard, sv):
    desk = AccountDesk(advised, encoder, heard, sv)
    ((kind, xml),) = desk.ask(lambda c: c.requestFA(GROUPS)).named("receiveFA")
    assert (kind, "<name>AllClients</name>" in xml, "<acct>DU1234501</acct>" in xml) == (1, True, True)
    ((kind, xml),) = desk.ask(lambda c: c.requestFA(ALIASES)).named("receiveFA")
    assert (kind, "<account>DU1234502</account>" in xml) == (3, True)
    assert desk.ask(lambda c: c.replaceFA(8, GROUPS, ONE_GROUP)).named("replaceFAEnd") == [(8, "success")]
    ((_, xml),) = desk.ask(lambda c: c.requestFA(GROUPS)).named("receiveFA")
    assert list(advised.bank.advisor.groups) == ["Mine"]
    desk.ask(lambda c: c.replaceFA(9, GROUPS, xml))  # what is told may be sent back
    assert advised.bank.advisor.groups["Mine"].amounts == {"DU1234502": ""}


def test_profiles_are_gone_since_177(standing, encoder, heard):
    told = AccountDesk(standing, encoder, heard, 176).ask(lambda c: c.requestFA(2)).named("receiveFA")
    assert told[0][0] == 2
    refused = AccountDesk(standing, encoder, heard, 200).ask(lambda c: c.requestFA(7))
    assert refused[1:] == (321, "Error validating request.-'b9' : cause - Non-existent FA data operation request.")


def test_older_spelling_of_groups_is_understood(advised):
    advised.bank.advisor.replace(GROUPS, OLD_GROUP)
    assert list(advised.bank.advisor.groups["Old"].amounts) == ["DU1234501", "DU1234502"]


@pytest.mark.parametrize(
    ("xml", "code"),
    [
        ("", 321),
        ("<ListOfGroups>", 321),
        ("<ListOfAccountAliases/>", 321),
        (ONE_GROUP.replace("Equal", "Anyhow"), 321),
        (ONE_GROUP.replace("<name>Mine</name>", ""), 321),
        ('<!DOCTYPE a [<!ENTITY b "c">]>' + ONE_GROUP[38:], 321),
        ("<ListOfGroups>" + "x" * 200_000 + "</ListOfGroups>", 321),
        (ONE_GROUP.replace("DU1234502", "DU9999999"), 10231),
    ],
)
def test_a_configuration_that_is_none_changes_nothing(desk, xml, code):
    before = desk.brokerage.bank.advisor.dump()
    found = desk.ask(lambda c: c.replaceFA(8, GROUPS, xml))
    assert found[:2] == (8, code)
    assert desk.brokerage.bank.advisor.dump() == before


def test_bad_accounts_are_named_by_their_group(advised):
    with pytest.raises(BadAccounts, match="Mine"):
        advised.bank.advisor.replace(GROUPS, ONE_GROUP.replace("DU1234502", "U1"))
    with pytest.raises(BadXml):
        advised.bank.advisor.replace(9, ONE_GROUP)


def test_a_summary_may_be_of_a_group(desk):
    told = desk.ask(lambda c: c.reqAccountSummary(3, "FirstHalf", "NetLiquidation,$LEDGER"))
    assert {row[1] for row in told.named("accountSummary")} == {"DU1234501", "FirstHalf"}


def test_everybody_is_the_master_with_an_a(desk):
    bank = desk.brokerage.bank
    told = desk.ask(lambda c: c.reqAccountUpdates(True, "DF1234500A"))
    values = {(key, currency): value for key, value, currency, _ in told.named("updateAccountValue")}
    assert values["NetLiquidation", "USD"] == f"{sum(bank.figures(a).net for a in bank.accounts.values()):.2f}"
    assert told.named("accountDownloadEnd") == [("DF1234500A",)]
    ((codes,),) = desk.ask(lambda c: c.reqFamilyCodes()).named("familyCodes")
    assert {row.familyCodeStr for row in codes} == {"DF1234500A"}


def test_a_model_holds_a_part_of_each_client(desk):
    universe = desk.brokerage.universe
    told = desk.ask(lambda c: c.reqPositionsMulti(4, "DU1234501", "Core"))
    rows = told.named("positionMulti")
    assert {row[2] for row in rows} == {"Core"}
    assert {universe.by_con_id[row[3].conId].sec_type for row in rows} == {"STK"}
    told = desk.ask(lambda c: c.reqAccountUpdatesMulti(5, "DU1234501", "Core", False))
    values = {row[3:6:2]: row[4] for row in told.named("accountUpdateMulti")}
    assert float(values["TotalCashValue", "USD"]) == 0
    assert float(values["StockMarketValue", "USD"]) == float(values["NetLiquidation", "USD"]) != 0
    told = desk.ask(lambda c: c.reqPnL(6, "DU1234501", "Core"))
    assert len(told.named("pnl")) == 1
    assert desk.ask(lambda c: c.reqPnL(7, "DU1234501", "Nothing"))[:2] == (7, 321)


def test_the_structure_survives(advised):
    advised.bank.advisor.replace(GROUPS, ONE_GROUP)
    again = keeping.load(keeping.dump(advised), 1.0, advised=True)
    assert again.bank.advisor == advised.bank.advisor
    assert again.accounts == advised.accounts


def test_an_advisor_may_be_switched_on_and_off_over_a_saved_market(standing, listed):
    with_it = keeping.load(keeping.dump(listed), 1.0, advised=True)
    assert list(with_it.accounts) == ["DF1234500", "DU1234501", "DU1234502"]
    without = keeping.load(keeping.dump(standing), 1.0)
    assert list(without.accounts) == ["DU1234501", "DU1234502"]
    assert json.loads(keeping.dump(without))["accounts"]["advisor"] is None
