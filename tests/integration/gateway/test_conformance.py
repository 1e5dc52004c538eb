"""Two independent clients hear every callback they know, with the same values, at each server version."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from ibapi.wrapper import EWrapper

from pipeline import config
from pipeline.gateway import alone
from pipeline.gateway.faults.tell import tell
from tests.integration.gateway import conversation
from tests.integration.gateway.listening import Heard, differences, ib_async_callbacks, ib_async_heard, ibapi_heard

STEADY = [step for step in conversation.ALL if step.steady]
VERSIONS = (157, 163, 170, 176, 178, 182, 187, 193, 196, 198)
LATER = {  # fields that a version does not have yet
    "minSize": 164,
    "sizeIncrement": 164,
    "suggestedSizeIncrement": 164,
    "description": 176,
    "issuerId": 176,
    "lastTradeDate": 182,
}
BONDS_LATER = LATER | {"timeZoneId": 188, "tradingHours": 188, "liquidHours": 188}
UNPACED = ("--messages-per-s", "1000", "--history-same", "1000", "--history-in-10-min", "1000")
OPTIONS = ("--day", "2026-11-23", *UNPACED, "--history-identical-s", "0", "--depth", "100", "--tick-by-tick", "100")
UNHEARD = {
    "winError": "told by the client itself, where it has no socket",
    "tickEFP": "no exchange for physicals is listed here",
    "deltaNeutralValidation": "an RFQ for a delta-neutral order gets error 321",
    "rerouteMktDataReq": "no CFD is listed here, so none is rerouted to its underlying",
    "rerouteMktDepthReq": "as rerouteMktDataReq",
    "verifyMessageAPI": "partners' signing; refused as without a partner's key",
    "verifyCompleted": "as verifyMessageAPI",
    "verifyAndAuthMessageAPI": "as verifyMessageAPI",
    "verifyAndAuthCompleted": "as verifyMessageAPI",
    "fundamentalData": "as wshMetaData",
    "wshMetaData": "a paid subscription that this user lacks: an error, as in TWS",
    "wshEventData": "as wshMetaData",
}


@pytest.fixture(scope="module")
def still() -> Iterator[tuple[str, int]]:
    """A gateway whose market time stands still, so that whoever asks gets the same answer."""
    with alone.running(config.Gateway(rate=200, clock=0.000001), 0, None, *OPTIONS) as found:
        yield found


@pytest.fixture(scope="module")
def moving() -> Iterator[tuple[str, int]]:
    with alone.running(config.Gateway(rate=600, clock=20.0), 0, None, *OPTIONS) as found:
        yield found


@pytest.fixture
def by_hand(hasty: tuple[str, int], control: Path) -> None:
    """An order that the user entered in TWS and that waits."""
    assert tell(control, "order BUY 10 KO LMT 20") == "ok"


@pytest.fixture
def control(tmp_path: Path) -> Path:
    return tmp_path / "own" / "gateway.sock"


@pytest.fixture
def hasty(control: Path) -> Iterator[tuple[str, int]]:
    """An adviser's gateway in which a day takes seconds; one for each client, as there is one client id 0."""
    options = (*OPTIONS, "--advisor", "--hours", "always", "--control", str(control))
    with alone.running(config.Gateway(rate=200, clock=2000.0), 0, None, *options) as found:
        yield found


@pytest.fixture(scope="module")
def reference(still: tuple[str, int]) -> Heard:
    with ibapi_heard(still, 200) as heard:
        heard.take(STEADY)
    return heard


@pytest.mark.usefixtures("by_hand")
def test_ibapi_hears_every_callback(moving: tuple[str, int], hasty: tuple[str, int]) -> None:
    known = {name for name in vars(EWrapper) if not name.startswith("_") and not name.endswith("ProtoBuf")}
    with ibapi_heard(moving, 200) as heard, ibapi_heard(hasty, 200, 0) as advised:
        heard.take(conversation.ALL)
        advised.take(conversation.FRESH_NEWS + conversation.BINDING + conversation.ADVISOR)
    assert known - heard.names() - advised.names() == set(UNHEARD) - {"fundamentalData"}  # a callback of older clients


@pytest.mark.usefixtures("by_hand")
def test_ib_async_hears_every_callback(moving: tuple[str, int], hasty: tuple[str, int]) -> None:
    with ib_async_heard(moving) as heard, ib_async_heard(hasty, 0) as advised:
        heard.take(conversation.ALL)
        advised.take(conversation.FRESH_NEWS + conversation.BINDING + conversation.ADVISOR)
    assert ib_async_callbacks() - heard.names() - advised.names() == set(UNHEARD) & ib_async_callbacks()


def test_both_clients_hear_the_same_values(still: tuple[str, int]) -> None:
    """What doesn't change with time, field by field where both libraries name a field alike."""
    with ibapi_heard(still, 178) as genuine, ib_async_heard(still) as other:
        genuine.take(STEADY)
        other.take(STEADY)
    assert {name: differences(genuine.steps[name], other.steps[name]) for name in genuine.steps} == {
        name: set() for name in genuine.steps
    }


@pytest.mark.parametrize("version", VERSIONS)
def test_each_version_is_told_the_same(version: int, still: tuple[str, int], reference: Heard) -> None:
    """What doesn't change with time reads the same at every version, but for what that version has no field for."""
    with ibapi_heard(still, version) as heard:
        heard.take(STEADY)
    assert list(heard.steps) == [step.name for step in STEADY if step.since <= version]
    for name, told in heard.steps.items():
        later = BONDS_LATER if name == conversation.BOND else LATER
        missing = {key for key, since in later.items() if version < since}
        assert differences(told, reference.steps[name]) <= missing, name


@pytest.mark.parametrize("version", VERSIONS)
def test_each_version_can_say_and_hear_all(
    version: int, moving: tuple[str, int], caplog: pytest.LogCaptureFixture
) -> None:
    """The genuine decoder finds every layout as it expects it: it logs what it can't read, and drops it."""
    with caplog.at_level("WARNING"), ibapi_heard(moving, version) as heard:
        heard.take(conversation.ALL)
    assert list(heard.steps) == [step.name for step in conversation.ALL if step.since <= version]
    assert [record.getMessage() for record in caplog.records if record.name.startswith("ibapi")] == []
