"""Every endpoint of REST on a real PostgreSQL: who may, what shape, how many queries, how paged."""

import json
import re
from pathlib import Path

import psycopg
import pytest
from django.conf import settings
from django.contrib.auth.models import Group, User
from django.core.cache import cache
from django.core.management import call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext
from rest_framework.authtoken.models import Token
from rest_framework.test import APIClient

from storage import models
from storage.api import urls
from storage.connection import facts

NOW = 1_790_000_000_000_000_000
S = 1_000_000_000
ACCOUNT = "DU9000001"
ROOT = Path(__file__).parents[3]
PATHS = [
    "accounts",
    f"accounts/{ACCOUNT}/values",
    "positions",
    "margin",
    f"margin/{ACCOUNT}",
    f"margin/{ACCOUNT}/attribution",
    f"margin/{ACCOUNT}/history",
    "orders",
    "executions",
    "quotes",
    "instruments",
    "system",
    "events",
    "gaps",
]
LISTS = ["positions", "orders", "executions", "quotes", "instruments", "events", "gaps", f"accounts/{ACCOUNT}/values"]
AUDIT = """
    insert into audit (stream, epoch, seq, publish_ns, actor, action, body)
    values (3, 1, 300, %s, 'admin', 'enable_trading', '{"account": "DU1"}')
"""
MOST_QUERIES = 4  # of an endpoint, besides the one that knows the token


def at(seq, stream=2):
    return {"stream": stream, "epoch": 1, "seq": seq}


def add(model, **values):
    """A row with every column that was not given filled with something plain."""
    given = dict(values)
    for field in model._meta.concrete_fields:
        if field.attname in given or field.attname == "pk" or field.null:
            continue
        kind = field.get_internal_type()
        given[field.attname] = {
            "TextField": "", "FloatField": 1.0, "JSONField": {}, "BooleanField": True, "BinaryField": b"",
        }.get(kind, 1)  # fmt: skip
    model.objects.using("owner").bulk_create([model(**given)])


@pytest.fixture(scope="module")
def recorded(database):
    """What the writer would have written."""
    for key, currency, value in (
        ("NetLiquidation", "USD", 812_440.25),
        ("ExcessLiquidity", "USD", 96_310.0),
        ("Cushion", "", None),
    ):
        add(models.LatestAccountValue, account=ACCOUNT, key=key, currency=currency, value=value, text="x", recv_ns=NOW)
    for con_id in range(9000, 9005):
        add(models.Instrument, con_id=con_id, symbol=f"SYM{con_id}", sec_type="STK", strike=None, publish_ns=NOW)
        add(models.LatestPosition, account=ACCOUNT, con_id=con_id, quantity=-10.5, market_price=None, recv_ns=NOW)
        for kind, price in ((1, 99.5), (2, 100.5), (4, None)):
            add(models.LatestQuote, con_id=con_id, tick_type=kind, price=price, size=5.0, recv_ns=NOW, market_ns=NOW)
    add(models.LatestPosition, account=ACCOUNT, con_id=9100, quantity=0.0, recv_ns=NOW)
    for seq in range(1, 8):
        moment = NOW + seq * S
        add(models.MarginAccountSnapshot, **at(seq, 5), account=ACCOUNT, publish_ns=moment,
            maintenance_margin=100.0 * seq, tws_maintenance_margin=None, level=1, flags=1, tws_ns=0)  # fmt: skip
        add(models.ProcessEvent, **at(seq, 1), process="ingest", event="restart", exit_code=-9, publish_ns=moment)
        add(models.Gap, **at(100 + seq, 1), process="ingest", from_ns=NOW, to_ns=moment, publish_ns=moment)
        add(models.LatestOrder, order_key=f"12:{seq}", perm_id=seq, account=ACCOUNT, con_id=9000, status="Filled",
            limit_price=None, recv_ns=moment)  # fmt: skip
        add(models.Execution, **at(seq, 3), exec_id=f"e{seq}", account=ACCOUNT, con_id=9000, recv_ns=moment)
    add(
        models.Commission, **at(50, 3), exec_id="e1", commission=1.25, currency="USD", realized_pnl=None, publish_ns=NOW
    )
    for seq, (underlying, margin) in enumerate((("AAPL", 100.0), ("TSLA", 600.0)), start=20):
        add(models.MarginGroupSnapshot, **at(seq, 5), account=ACCOUNT, underlying=underlying, maintenance_margin=margin,
            publish_ns=NOW + 7 * S, flags=0)  # fmt: skip
    add(models.TwsState, **at(200, 2), client="ingest", state="READY", accounts=[ACCOUNT], publish_ns=NOW)
    with psycopg.connect(**facts(settings.RUNTIME, "app_writer")) as writer:  # Django's model would give the hashes
        writer.execute(AUDIT, (NOW,))


def user_in(role):
    user, _ = User.objects.get_or_create(username=f"{role}-of-tests")
    user.groups.set([Group.objects.get_or_create(name=role)[0]])
    return user


@pytest.fixture
def viewer(recorded):
    cache.clear()
    client = APIClient()
    token, _ = Token.objects.get_or_create(user=user_in("viewer"))
    client.credentials(HTTP_AUTHORIZATION=f"Token {token.key}")
    return client


def get(client, path, **query):
    answer = client.get(f"/api/v1/{path}", query)
    assert answer.status_code == 200, answer.content
    return answer.json()


def test_the_list_of_paths_here_is_complete():
    known = {route.pattern._route for route in urls.v1} - {"token", "whatif", "audit", "margin/<str:account>/explain"}
    assert {re.sub(ACCOUNT, "<str:account>", path) for path in PATHS} == known


@pytest.mark.parametrize("path", [*PATHS, "audit", f"margin/{ACCOUNT}/explain"])
def test_nobody_without_a_login(recorded, path):
    cache.clear()
    answer = APIClient().get(f"/api/v1/{path}")
    assert answer.status_code == 401
    assert answer.json()["error"]["code"] == "not_authenticated"
    assert "Content-Security-Policy" in answer.headers


@pytest.mark.parametrize("path", PATHS)
def test_queries_are_few_whatever_the_number_of_rows(viewer, path):
    with CaptureQueriesContext(connection) as queries:
        get(viewer, path)
    assert len(queries) <= MOST_QUERIES + 1, [query["sql"] for query in queries]


@pytest.mark.parametrize("path", PATHS)
def test_decimals_are_text_and_every_row_has_its_source_and_time(viewer, path):
    def walk(value):
        assert not isinstance(value, float), value
        for item in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
            walk(item)

    body = get(viewer, path)
    walk(body)
    rows = body if isinstance(body, list) else body.get("results") or body.get("processes") or [body]
    assert rows
    if path != "instruments":
        assert all(row["source"] in ("tws", "model", "record") and row["as_of"].endswith("Z") for row in rows)


@pytest.mark.parametrize("path", LISTS)
def test_lists_are_paged_by_cursor_without_a_row_lost_or_doubled(viewer, path):
    everything = get(viewer, path, limit=500)["results"]
    assert len(everything) >= 3
    seen, address = [], f"/api/v1/{path}?limit=2"
    while address:
        page = viewer.get(address).json()
        assert len(page["results"]) <= 2
        seen += page["results"]
        address = page["next"]
    assert seen == everything


def test_history_is_limited_to_its_interval_and_paged(viewer):
    begin, end = "2026-09-21T14:13:22Z", "2026-09-21T14:13:25Z"  # NOW + 2 s … NOW + 5 s
    found = get(viewer, f"margin/{ACCOUNT}/history", **{"from": begin, "to": end})["results"]
    assert [row["maintenance_margin"] for row in found] == ["400", "300", "200"]
    first = get(viewer, f"margin/{ACCOUNT}/history", limit=3)
    assert [row["maintenance_margin"] for row in first["results"]] == ["700", "600", "500"]
    second = viewer.get(first["next"]).json()
    assert [row["maintenance_margin"] for row in second["results"]] == ["400", "300", "200"]


def test_accounts_and_margin_say_unknown_as_null(viewer):
    account = next(row for row in get(viewer, "accounts") if row["account"] == ACCOUNT)
    assert account["net_liquidation"] == "812440.25"
    assert account["cushion"] is None
    assert account["currency"] == "USD"
    figures = get(viewer, f"margin/{ACCOUNT}")
    assert figures["maintenance_margin"] == "700"
    assert figures["tws"]["maintenance_margin"] is None
    assert figures["tws"]["as_of"] is None
    assert figures["level"] == "CAUTION"
    assert figures["at_least"] is True
    assert figures in get(viewer, "margin")


def test_attribution_is_the_newest_picture_largest_first(viewer):
    rows = get(viewer, f"margin/{ACCOUNT}/attribution")
    assert [(row["underlying"], row["maintenance_margin"]) for row in rows] == [("TSLA", "600"), ("AAPL", "100")]


def test_positions_leave_out_ended_ones_and_name_their_contract(viewer):
    rows = get(viewer, "positions", account=ACCOUNT)["results"]
    assert [row["con_id"] for row in rows] == list(range(9000, 9005))
    assert rows[0]["quantity"] == "-10.5"
    assert rows[0]["market_price"] is None
    assert rows[0]["contract"]["symbol"] == "SYM9000"
    assert get(viewer, "positions", account="DU0")["results"] == []


def test_quotes_stand_one_row_a_contract(viewer):
    (row,) = get(viewer, "quotes", con_id=9001)["results"]
    assert (row["bid"], row["ask"], row["last"], row["bid_size"]) == ("99.5", "100.5", None, None)


def test_executions_carry_their_commission_where_it_is_known(viewer):
    rows = {row["exec_id"]: row for row in get(viewer, "executions", account=ACCOUNT)["results"]}
    assert rows["e1"]["commission"] == "1.25"
    assert rows["e2"]["commission"] is None


def test_orders_may_be_asked_for_by_status(viewer):
    assert len(get(viewer, "orders", account=ACCOUNT, status="Filled")["results"]) == 7
    assert get(viewer, "orders", account=ACCOUNT, status="Submitted")["results"] == []


def test_the_audit_is_for_operators(viewer):
    refused = viewer.get("/api/v1/audit")
    assert refused.status_code == 403
    assert refused.json()["error"]["code"] == "permission_denied"
    operator = APIClient()
    operator.force_authenticate(user_in("operator"))
    assert get(operator, "audit")["results"][0]["actor"]


@pytest.mark.parametrize(
    ("path", "query", "field"),
    [
        ("quotes", {"con_id": "x"}, "con_id"),
        (f"margin/{ACCOUNT}/history", {"from": "yesterday"}, "from"),
        ("positions", {"account": "D" * 17}, "account"),
    ],
)
def test_a_bad_query_names_its_field(viewer, path, query, field):
    answer = viewer.get(f"/api/v1/{path}", query)
    assert answer.status_code == 400
    error = answer.json()["error"]
    assert error["code"] == "invalid"
    assert list(error["fields"]) == [field]


def test_what_is_not_there_has_the_same_shape(viewer):
    for path in ("/api/v1/margin/DU0", "/api/v1/nothing"):
        answer = viewer.get(path)
        assert answer.status_code == 404
        assert set(answer.json()["error"]) == {"code", "message", "fields"}
    answer = viewer.post("/api/v1/positions", {}, format="json")
    assert answer.status_code == 405
    assert set(answer.json()["error"]) == {"code", "message", "fields"}


def test_there_is_no_way_to_send_an_order(viewer):
    for method in (viewer.post, viewer.put, viewer.patch, viewer.delete):
        assert method("/api/v1/orders", {}, format="json").status_code == 405


def test_explain_and_what_if_ask_the_margin_engine(viewer, feeding):
    tree = get(viewer, "margin/DU1000001/explain")
    assert tree["root"]["level"] == "account"
    assert tree["root"]["maintenance_margin"] == "716130"
    assert tree["root"]["children"][0]["children"][0]["rule"] == "stock long"
    missing = viewer.get("/api/v1/margin/DU0/explain")
    assert missing.status_code == 404
    trade = {"con_id": 100, "side": "BUY", "quantity": 1}
    refused = viewer.post("/api/v1/whatif", {"account": "DU0", "trades": [trade]}, format="json")
    assert refused.status_code == 400
    assert refused.json()["error"]["fields"]["trades"]
    bad = viewer.post("/api/v1/whatif", {"account": "DU0", "trades": [{**trade, "side": "HOLD"}]}, format="json")
    assert bad.status_code == 400


def test_explain_says_so_when_the_engine_is_away(viewer, bare_runtime, monkeypatch):
    from storage.api import computed

    monkeypatch.setattr(settings, "RUNTIME", bare_runtime)
    with pytest.raises(computed.Unavailable):
        computed.ask_margin(computed.messages.Explain(request_id="1", account="DU1"))


def test_the_schema_in_the_repository_is_that_of_the_code(tmp_path):
    made = tmp_path / "openapi.yaml"
    call_command("spectacular", file=str(made), validate=True, fail_on_warn=True)
    kept = ROOT / "docs" / "openapi.yaml"
    assert made.read_text() == kept.read_text(), "run: python manage.py spectacular --file docs/openapi.yaml"


def test_every_path_is_described_in_the_document():
    text = (ROOT / "docs" / "api.md").read_text()
    paths = {"/api/v1/" + re.sub(r"<str:(\w+)>", r"{\1}", route.pattern._route) for route in urls.v1}
    assert {path for path in paths if f"`{path}`" not in text} == set()


def test_the_deploy_check_is_clean():
    call_command("check", deploy=True, fail_level="WARNING")


def test_a_password_must_be_long_and_a_wrong_one_locks_after_five(recorded):
    cache.clear()
    user = user_in("trader")
    user.set_password("a long enough password")
    user.save()
    client = APIClient()
    wrong = {"username": user.username, "password": "wrong"}
    statuses = [client.post("/api/v1/token", wrong, format="json").status_code for _ in range(6)]
    assert statuses[:4] == [401] * 4
    assert statuses[-1] == 429
    right = {**wrong, "password": "a long enough password"}
    locked = client.post("/api/v1/token", right, format="json")
    assert locked.status_code == 429
    assert set(locked.json()["error"]) == {"code", "message", "fields"}
    elsewhere = client.post("/api/v1/token", right, format="json", REMOTE_ADDR="127.0.0.9")
    assert elsewhere.status_code == 200
    token = elsewhere.json()["token"]
    script = APIClient()
    script.credentials(HTTP_AUTHORIZATION=f"Token {token}")
    assert script.get("/api/v1/system").status_code == 200
    assert script.delete("/api/v1/token").status_code == 204
    assert script.get("/api/v1/system").status_code == 401
    call_command("axes_reset", verbosity=0)


def test_the_login_page_locks_too(database, client):
    User.objects.get_or_create(username="locked-of-tests")
    form = {"username": "locked-of-tests", "password": "wrong"}
    statuses = [client.post("/login", form).status_code for _ in range(6)]
    assert statuses[:4] == [200] * 4
    assert statuses[-1] == 429
    call_command("axes_reset", verbosity=0)


def test_health_is_open(database, client):
    answer = client.get("/healthz")
    assert answer.status_code == 200
    assert json.loads(answer.content) == {"status": "ok"}
