"""The web process without PostgreSQL: it starts, says why it can't log anybody in, and stops when asked."""

import json
import signal

import pytest


@pytest.fixture
def lonely(bare_runtime, processes):
    return processes.site(bare_runtime)


def test_it_serves_refuses_with_a_reason_and_stops_when_asked(lonely):
    status, text = lonely.ask("GET", "/healthz")
    assert status == 503
    assert json.loads(text) == {"status": "unavailable", "reason": "PostgreSQL is away"}

    status, text = lonely.ask("GET", "/login")
    assert status == 200
    token = text.split('name="csrfmiddlewaretoken" value="')[1].split('"')[0]
    form = f"username=admin&password=x&csrfmiddlewaretoken={token}"
    kind = {"Content-Type": "application/x-www-form-urlencoded"}
    status, text = lonely.ask("POST", "/login", form, **kind)
    assert status == 503
    assert "PostgreSQL is away" in text
    assert "Traceback" not in text

    status, text = lonely.ask("GET", "/api/v1/accounts", Authorization="Token abc")
    assert status == 503
    assert json.loads(text)["error"]["code"] == "database_away"
    assert lonely.ask("GET", "/static/web/page.js")[0] == 200
    assert lonely.ask("GET", "/nothing")[0] == 404
    assert lonely.ask("GET", "/login", Host="evil.example")[0] == 400

    lonely.process.send_signal(signal.SIGTERM)
    assert lonely.process.wait(60) == 0


def test_the_port_is_the_same_after_a_restart(lonely, bare_runtime, processes):
    before = lonely.url
    lonely.process.send_signal(signal.SIGTERM)
    assert lonely.process.wait(60) == 0
    assert processes.site(bare_runtime).url == before


def test_a_port_in_use_is_said_in_plain_words(lonely, bare_runtime, processes):
    port = int(lonely.url.rstrip("/").rsplit(":", 1)[1])
    status, text = processes.refused(bare_runtime, port)
    assert status == 3
    assert f"127.0.0.1:{port}" in text
    assert "[web] port" in text
