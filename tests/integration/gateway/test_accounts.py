"""Currencies and an advisor, through a real gateway and the genuine client."""

import pytest

from pipeline import config
from pipeline.gateway import alone

EURO = 12087792


@pytest.fixture(scope="module")
def address():
    with alone.running(
        config.Gateway(rate=50), 0, None, "--day", "2026-11-23", "--advisor", "--account-every-s", "1"
    ) as found:
        yield found


several_versions = pytest.mark.parametrize("app", [157, 178, 200], indirect=True)


@several_versions
def test_an_advisor_sees_master_clients_and_groups(app):
    assert app.wait("managedAccounts") == ("DF1234500,DU1234501,DU1234502",)
    app.client.requestFA(1)
    kind, xml = app.wait("receiveFA")
    assert (kind, xml.startswith("<?xml"), "<name>AllClients</name>" in xml) == (1, True, True)
    app.client.replaceFA(7, 1, xml)
    assert app.wait("replaceFAEnd") == (7, "success")
    app.client.replaceFA(8, 1, xml.replace("DU1234502", "DU7654321"))
    assert app.wait("error", lambda req_id, *_: req_id == 8)[2] == 10231
    app.client.reqAccountUpdates(True, "DF1234500A")
    assert app.wait("accountDownloadEnd") == ("DF1234500A",)
    app.client.reqPositionsMulti(9, "DU1234501", "Income")
    app.wait("positionMultiEnd", lambda req_id: req_id == 9)
    assert {row[3].secType for row in app.named("positionMulti")} == {"OPT"}
    app.client.reqAccountUpdates(False, "DF1234500A")
    assert app.wait("error", lambda req_id, _time, code, *_: (req_id, code) == (-1, 2100))


def test_buying_euros_moves_two_balances_and_is_told_everywhere(app, make_contract, make_order):
    ledger = lambda tag, currency, least: app.wait(  # noqa: E731
        "accountSummary", lambda _r, _a, key, value, c: (key, c) == (tag, currency) and float(value) >= least
    )
    app.client.reqAccountSummary(4, "All", "$LEDGER:ALL")
    app.client.reqPositions()
    app.wait("accountSummaryEnd")
    first = app.wait("nextValidId")[0]
    app.client.placeOrder(first, make_contract(EURO, "IDEALPRO"), make_order("BUY", 25_000, account="DU1234502"))
    app.wait("orderStatus", lambda order_id, status, *_: (order_id, status) == (first, "Filled"))
    assert ledger("CashBalance", "EUR", 25_000)[1] == "All"
    rate = float(ledger("ExchangeRate", "EUR", 0.5)[3])
    assert 1.0 < rate < 1.4
    held = app.wait("position", lambda _a, x, *_: x.conId == EURO)
    assert (held[0], held[1].secType, held[2]) == ("DU1234502", "CASH", 25_000)
    app.client.reqAccountUpdates(True, "DU1234502")
    app.wait("accountDownloadEnd")
    values = {(key, currency): value for key, value, currency, _ in app.named("updateAccountValue")}
    assert float(values["CashBalance", "EUR"]) == 25_000
    total = sum(float(values["CashBalance", c]) * float(values["ExchangeRate", c]) for c in ("USD", "EUR"))
    assert float(values["CashBalance", "BASE"]) == pytest.approx(total, abs=0.05)
    row = next(row for row in app.named("updatePortfolio") if row[0].conId == EURO)
    assert (row[0].symbol, row[0].currency, row[1]) == ("EUR", "USD", 25_000)
