"""Pacing, lines, identity, providers, error codes: pure decisions."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.config import Tws
from pipeline.errors import CannotStart
from pipeline.tws import error_codes, identity, provider
from pipeline.tws.error_codes import Action, Severity
from pipeline.tws.pacing import Outbox, TokenBucket, bucket_for
from pipeline.tws.subscriptions import Plan, Priority, Want, merge, plan


@given(st.lists(st.floats(0, 0.2), min_size=1, max_size=200), st.floats(5, 60))
def test_never_more_than_rate_and_burst_in_any_second(steps: list[float], rate: float) -> None:
    bucket, now, sent = TokenBucket(rate, 5), 0.0, []
    for step in steps:
        now += step
        while bucket.take(now):
            sent.append(now)
    for at in sent:
        assert sum(at <= other < at + 1.0 for other in sent) <= rate + 5 + 1


@pytest.mark.parametrize("limit", [4.0, 20.0, 40.0, 50.0])
def test_any_second_has_at_most_the_configured_messages(limit: float) -> None:
    bucket, sent = bucket_for(limit), []
    for tick in range(3000):
        while bucket.take(tick / 1000):
            sent.append(tick / 1000)
    for at in sent:
        assert sum(at <= other < at + 0.9999 for other in sent) <= limit
    assert len(sent) >= 3 * limit / 2


def test_orders_go_before_account_before_market_data() -> None:
    outbox = Outbox(TokenBucket(1.0, 3))
    for message_id, data in ((1, b"market"), (61, b"account"), (9, b"details"), (3, b"order"), (49, b"probe")):
        outbox.put(message_id, data)
    assert outbox.due(100.0) == [b"probe", b"order", b"account"]
    assert outbox.due(100.5) == []
    assert outbox.wait_s() == pytest.approx(0.5)
    assert outbox.due(101.0) == [b"details"]
    assert outbox.due(102.0) == [b"market"]
    assert outbox.wait_s() == float("inf")
    assert outbox.rate(102.0) == 1.0


def test_order_and_its_cancel_keep_their_order() -> None:
    outbox = Outbox(TokenBucket(10.0, 5))
    for message_id, data in ((3, b"place"), (4, b"cancel"), (1, b"line"), (2, b"no line")):
        outbox.put(message_id, data)
    assert outbox.due(0.0) == [b"place", b"cancel", b"line", b"no line"]
    outbox.put(1, b"more")
    outbox.clear()
    assert len(outbox) == 0


def test_underlyings_first_then_held_by_weight_then_watched() -> None:
    wants = [
        Want(1, Priority.WATCHED),
        Want(2, Priority.HELD, 5.0),
        Want(3, Priority.HELD, 9.0),
        Want(4, Priority.UNDERLYING),
    ]
    assert plan(wants, {}, 3) == Plan(cancel=[], request=[4, 3, 2], left_out=[1])


def test_weights_alone_take_no_line_away() -> None:
    wants = [Want(1, Priority.HELD, 1.0), Want(2, Priority.HELD, 99.0)]
    assert plan(wants, {1: None}, 1) == Plan(cancel=[], request=[], left_out=[2])
    better = plan([*wants, Want(3, Priority.UNDERLYING)], {1: None}, 1)
    assert (better.cancel, better.request) == ([1], [3])


def test_a_contract_wanted_twice_has_one_line() -> None:
    wants = [Want(1, Priority.WATCHED), Want(1, Priority.UNDERLYING, 2.0), Want(1, Priority.UNDERLYING, 3.0)]
    assert merge(wants) == {1: Want(1, Priority.UNDERLYING, 3.0)}


@given(
    st.lists(st.builds(Want, st.integers(1, 30), st.sampled_from(Priority), st.floats(0, 10)), max_size=40),
    st.sets(st.integers(1, 30), max_size=12),
    st.integers(0, 12),
)
def test_never_more_lines_than_allowed_and_a_plan_is_stable(wants: list[Want], active: set[int], limit: int) -> None:
    made = plan(wants, dict.fromkeys(active), limit)
    lines = (active - set(made.cancel)) | set(made.request)
    assert len(lines) <= limit
    assert not set(made.request) & active
    again = plan(wants, dict.fromkeys(lines), limit)
    assert (again.cancel, again.request) == ([], [])


@pytest.mark.parametrize(
    ("mode", "listed", "managed", "accepted", "fatal"),
    [
        ("paper", [], ["DU1", "DU2"], ["DU1", "DU2"], False),
        ("paper", [], ["DF1"], ["DF1"], False),
        ("paper", [], ["U1"], [], True),
        ("live", [], ["U1"], ["U1"], False),
        ("live", [], ["DU1"], [], True),
        ("paper", ["DU1"], ["DU1"], ["DU1"], False),
        ("paper", ["DU1"], ["DU1", "DU2"], [], False),
        ("paper", ["DU3"], ["DU1"], [], False),
    ],
)
def test_identity(mode: str, listed: list[str], managed: list[str], accepted: list[str], fatal: bool) -> None:
    verdict = identity.check(managed, Tws(mode=mode, accounts=listed))
    assert (verdict.accounts, verdict.fatal) == (accepted, fatal)
    assert bool(verdict.reason) is (not accepted)


def test_two_providers_of_ibapi_refuse_to_start() -> None:
    provider.check(["ibapi-stable"])
    provider.check(["ibapi-stable", "ibapi-stable"])
    with pytest.raises(CannotStart, match="found ibapi-stable and nautilus-ibapi"):
        provider.check(["nautilus-ibapi", "ibapi-stable"])
    with pytest.raises(CannotStart, match="found none"):
        provider.check([])


def test_this_environment_has_one_provider() -> None:
    assert provider.installed() == ["ibapi-stable"]
    provider.check_installed()


def test_a_second_provider_on_the_path_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    info = tmp_path / "other_ibapi-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: other-ibapi\nVersion: 1.0\n")
    (info / "RECORD").write_text("ibapi/__init__.py,,\nibapi/client.py,,\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(CannotStart, match="ibapi-stable and other-ibapi"):
        provider.check_installed()


@pytest.mark.parametrize(
    ("arguments", "found"),
    [
        ((3, 1700, 200, "no such contract", ""), (3, 200, "no such contract", "", 1700)),
        ((3, 1700, 201, "rejected", "{json}"), (3, 201, "rejected", "{json}", 1700)),
        ((-1, 0, 2104, "farm is OK:usfarm"), (-1, 2104, "farm is OK:usfarm", "", 0)),
        ((-1, 2104, "farm is OK:usfarm"), (-1, 2104, "farm is OK:usfarm", "", 0)),
        ((-1, 2104, "farm is OK:usfarm", "json"), (-1, 2104, "farm is OK:usfarm", "json", 0)),
    ],
)
def test_error_of_any_release(arguments: tuple[object, ...], found: tuple[object, ...]) -> None:
    error = error_codes.from_callback(arguments)
    assert (error.request, error.code, error.text, error.reject_json, error.time_ms) == found


def test_advisories_do_not_end_a_request_and_refusals_do() -> None:
    for code in (10167, 10090, 10091, 399):
        assert error_codes.meaning(code, 5).severity is Severity.WARNING
    for code in (200, 354, 10089, 10168, 10197, 101):
        assert error_codes.meaning(code, 5).severity is Severity.REFUSED
    assert error_codes.meaning(1101, -1).action is Action.RESUBSCRIBE
    assert error_codes.meaning(99999, 5).severity is Severity.REFUSED
    assert error_codes.meaning(99999, -1).severity is Severity.INFO


def test_farm_name_stands_behind_the_colon() -> None:
    assert error_codes.farm(2103, "Market data farm connection is broken:usfarm.nj") == ("usfarm.nj", "broken")
    assert error_codes.farm(2104, "no name") == ("unnamed", "ok")
    assert error_codes.farm(200, "x:y") is None
