"""What TWS can look up, asked of ingest beside the simulated gateway."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from pipeline import config
from pipeline.commands import ask
from pipeline.gateway import alone
from pipeline.messages import (
    CancelRequest,
    FindContracts,
    GetArticle,
    GetBars,
    GetDepthExchanges,
    GetHeadTime,
    GetHistogram,
    GetMarketRule,
    GetNews,
    GetNewsProviders,
    GetOptionChain,
    GetScannerParameters,
    GetSchedule,
    GetSmartComponents,
    HistoryState,
    Instrument,
    MarketRule,
    News,
    OptionChain,
    Scan,
    Subscription,
)


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with alone.running(config.Gateway(hours="always"), 0, None, "--day", "2026-11-23") as (_, found):
        yield found


@pytest.fixture
def place(desk: Callable[..., Any], port: int) -> tuple[Any, Instrument]:
    """A desk, and AAPL."""
    run = desk(type("Server", (), {"port": port}), watchlist={"symbols": ["AAPL"]})

    def apple() -> list[Instrument]:
        return [i for i in run.kept(Instrument) if i.symbol == "AAPL" and i.sec_type == "STK" and i.long_name]

    run.run_until(apple)
    return run, apple()[0]


def test_contracts_chains_and_price_steps(place: Any) -> None:
    run, apple = place
    found = run.ask(kind=FindContracts, symbol="AAPL", sec_type="STK", currency="USD", exchange="SMART")
    assert [c["con_id"] for c in found.body["contracts"]] == [apple.con_id]
    chain = run.ask(kind=GetOptionChain, con_id=apple.con_id)
    assert chain.ok, chain.text
    one = chain.body["chains"][0]
    assert one["strikes"] == sorted(one["strikes"])
    assert one["multiplier"] == 100.0
    options = run.ask(kind=FindContracts, symbol="AAPL", sec_type="OPT", currency="USD", exchange="SMART",
                      expiry=one["expiries"][0], right="C")  # fmt: skip
    assert {c["right"] for c in options.body["contracts"]} == {"C"}
    assert {c["under_con_id"] for c in options.body["contracts"]} == {apple.con_id}
    rule = run.ask(kind=GetMarketRule, rule_id=int(apple.market_rule_ids.split(",")[0]))
    assert rule.ok, rule.text
    assert rule.body["steps"][0] > 0
    assert run.kept(OptionChain)[0].under_con_id == apple.con_id
    assert run.kept(MarketRule)
    unknown = run.ask(kind=FindContracts, symbol="NOSUCH", sec_type="STK", currency="USD", exchange="SMART")
    assert not unknown.ok
    assert "(200)" in unknown.text


def test_exchanges_of_books_and_of_letters(place: Any) -> None:
    run, apple = place
    books = run.ask(kind=GetDepthExchanges)
    assert "STK" in {row["sec_type"] for row in books.body["exchanges"]}, books.text
    run.run_until(lambda: any(s.symbol == "AAPL" and s.state == "live" for s in run.kept(Subscription)))
    letters = run.ask(kind=GetSmartComponents, con_id=apple.con_id)
    assert all(len(row["letter"]) == 1 and row["exchange"] for row in letters.body["exchanges"]), letters.text
    assert letters.body["exchanges"]
    assert "has none yet" in run.ask(kind=GetSmartComponents, con_id=1).text


def test_dates_sessions_and_volumes(place: Any) -> None:
    run, apple = place
    head = run.ask(kind=GetHeadTime, con_id=apple.con_id)
    assert 0 < head.body["from_ns"] < 1_795_392_000_000_000_000
    schedule = run.ask(kind=GetSchedule, con_id=apple.con_id, days=3)
    assert len(schedule.body["sessions"]) == 3, schedule.text
    histogram = run.ask(kind=GetHistogram, con_id=apple.con_id)
    assert all(size > 0 for _, size in histogram.body["price_and_size"])


def test_news_and_scans(place: Any) -> None:
    run, apple = place
    providers = run.ask(kind=GetNewsProviders).body["providers"]
    assert providers
    news = run.ask(kind=GetNews, con_id=apple.con_id, providers="+".join(p["code"] for p in providers), count=5)
    assert news.ok, news.text
    assert news.body["news"][0]["time_ns"] > 0
    article = run.ask(kind=GetArticle, provider=news.body["news"][0]["provider"],
                      article_id=news.body["news"][0]["article_id"])  # fmt: skip
    assert article.body["text"]
    scan = run.ask(kind=Scan, scan_code="TOP_PERC_GAIN", rows=5)
    assert [row["rank"] for row in scan.body["rows"]] == [0, 1, 2, 3, 4]
    assert run.ask(kind=GetScannerParameters).body["xml"].lstrip().startswith("<?xml")


def test_a_request_is_cancelled_and_answered_once(place: Any) -> None:
    run, apple = place
    from pipeline.bus.control import CommandClient, new_request_id

    client = CommandClient(run.ingest.context, run.runtime, "ingest", run.ingest.clock)
    year_ns = 365 * 86_400 * 10**9
    asked = GetBars(request_id=new_request_id(), con_id=apple.con_id, size="1 min",
                    from_ns=1_795_392_000 * 10**9 - year_ns, to_ns=1_795_392_000 * 10**9)  # fmt: skip
    client.send(asked)
    replies: list[Any] = []
    run.run_until(lambda: replies.extend(client.receive()) or any(s.progress > 0 for s in run.kept(HistoryState)))
    assert replies == []
    assert run.ask(kind=CancelRequest, of=asked.request_id).ok
    run.run_until(lambda: replies.extend(client.receive()) or replies)
    client.close()
    assert [(r.ok, r.text, r.body["state"]) for r in replies] == [(False, "cancelled", "cancelled")]
    assert not run.ask(kind=CancelRequest, of=asked.request_id).ok


def test_words_of_a_shell_become_a_command() -> None:
    command = ask.built(
        "get_bars", ["con_id=5", "from_ns=2026-11-20T15:00", "to_ns=1795392000000000000", "size=5 mins"]
    )
    assert (command.con_id, command.from_ns, command.size) == (5, 1_795_186_800 * 10**9, "5 mins")
    assert ask.built("scan", ['filters={"a": "1"}', "above_price=5"]).filters == {"a": "1"}
    assert any(line.startswith("find_symbols") for line in ask.listing())
    for verb, words, text in (("dance", [], "expected one of"), ("get_bars", ["colour=red"], "con_id=…"),
                              ("get_bars", ["con_id=five"], "con_id"), ("get_bars", ["from_ns=soon"], "a time such as"),
                              ("get_bars", [], "con_id")):  # fmt: skip
        with pytest.raises(ask.BadWords, match=text):
            ask.built(verb, words)


def test_bulletins_are_published_once_however_often_tws_tells_them(place: Any) -> None:
    run, _ = place

    def bulletins() -> list[str]:
        return [news.headline for news in run.kept(News) if news.con_id == 0]

    run.run_until(bulletins)
    connection = run.ingest.connection.session.connection
    run.ingest.connection.drop("the test ends it")
    run.run_until(lambda: run.ingest.connection.ready and run.ingest.connection.session.connection > connection)
    assert run.ask(kind=GetNewsProviders).ok  # TWS keeps the order: they have been told again by now
    assert bulletins() == ["Trading begins on Monday, 23 November 2026"]
