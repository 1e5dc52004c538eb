"""The event stream of a real server fed by the real bus."""

import json
import time

import pytest


@pytest.fixture
def logged_in(site):
    site.login()
    yield site
    site.cookies.clear()


def figure(text):
    return float(text.replace(",", "").replace("≈", "").replace("\N{MINUS SIGN}", "-"))


def test_nobody_sees_anything_without_a_login(site):
    for path in ("/live", "/live/snapshot"):
        status, text = site.ask("GET", path)
        assert status == 401
        assert json.loads(text)["error"]["code"] == "not_authenticated"
    assert site.ask("GET", "/")[0] == 302


def test_a_snapshot_then_updates_that_hold_only_what_changed(logged_in, feeding):
    events = logged_in.events("/live?account=DU1000001")
    name, number, whole = next(events)
    assert name == "snapshot"
    assert whole["accounts"] == ["DU1000001", "DU1000002"]
    assert whole["cells"]["strip.net_liquidation"] == ["≈ 812,440", "model"]
    seen = {"strip.excess_liquidity": whole["cells"]["strip.excess_liquidity"][0]}
    numbers = [int(number)]
    for name, number, change in events:
        assert name == "update"
        assert "strip.net_liquidation" not in change.get("cells", {})  # it does not move
        if cell := change.get("cells", {}).get("strip.excess_liquidity"):
            assert figure(cell[0]) > figure(seen["strip.excess_liquidity"])
            seen["strip.excess_liquidity"] = cell[0]
            numbers.append(int(number))
        if len(numbers) == 5:
            break
    events.close()
    assert numbers == sorted(set(numbers))


def test_at_most_four_updates_a_second(logged_in):
    events = logged_in.events()
    next(events)
    next(events)
    started = time.monotonic()
    for _ in range(8):
        next(events)
    events.close()
    assert time.monotonic() - started > 8 * 0.25 * 0.8  # a bound that a slow machine can only widen


def test_silence_of_the_publishers_is_said_and_ends(logged_in, feeding):
    events = logged_in.events()
    next(events)
    feeding.speaking.clear()
    try:
        words = (change["cells"]["link.state"][0] for _, _, change in events if "link.state" in change.get("cells", {}))
        assert next(words).startswith("○ stale")
        feeding.speaking.set()
        assert "● live" in words
    finally:
        feeding.speaking.set()
        events.close()


def test_the_page_is_complete_without_a_script(logged_in):
    status, text = logged_in.ask("GET", "/?account=DU1000002")
    assert status == 200
    assert "≈ 812,440" in text
    assert "BRK B" in text
    assert "◆ CAUTION" in text
    assert 'data-account="DU1000002"' in text
    assert "http://" not in text.replace("http://www.w3.org/2000/svg", "")


def test_the_snapshot_of_a_script_is_the_same_picture(logged_in):
    status, text = logged_in.ask("GET", "/live/snapshot?account=DU1000002")
    assert status == 200
    assert json.loads(text)["account"] == "DU1000002"


def test_a_stop_with_an_open_stream_is_quick(web_runtime, feeding, site, processes):
    second = processes.site(web_runtime)
    second.cookies = {}
    second.login()
    events = second.events()
    next(events)
    second.process.terminate()
    assert second.process.wait(60) == 0
    assert list(events) is not None
