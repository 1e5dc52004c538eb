"""What the page shows, as text by cell: built from the newest state, compared with the picture before. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pipeline.messages import STALE_AFTER_S
from ui.web import chart, numbers, rows
from ui.web.layout import TABLES
from ui.web.state import LiveState

LEVELS = ("✓ OK", "◆ CAUTION", "▲ WARN", "■ ALARM", "✖ CRITICAL")
LEVEL_LOOKS = ("ok", "caution", "warn", "alarm", "critical")
BAR_FROM, BAR_TO = -0.05, 0.40  # cushions at both ends of the bar
WARN_OF_MAINTENANCE = 0.05

Cell = tuple[str, str]  # text, look


@dataclass(frozen=True, slots=True)
class Source:
    """How a process's live stream does, as its subscriber sees it."""

    seen: bool = False
    stale: bool = True
    silent_s: float = math.inf
    ended: bool = False

    @property
    def word(self) -> str:
        """live · stale 12 s · stopped · waiting"""
        if not self.seen:
            return "waiting"
        if not self.stale:
            return "live"
        return "stopped" if self.ended else f"stale {numbers.age(self.silent_s)}"

    @property
    def look(self) -> str:
        """live · stale · waiting; the script and the style sheet know these."""
        return "waiting" if not self.seen else "stale" if self.stale else "live"


@dataclass(frozen=True, slots=True)
class Picture:
    """One account's page."""

    account: str
    accounts: list[str]
    cells: dict[str, Cell]
    rows: dict[str, list[str]]  # table → keys of its rows in order
    marks: dict[str, str]  # drawn positions
    sources: dict[str, str]  # process → look
    as_of_ns: int

    def table(self, name: str) -> list[tuple[str, list[tuple[str, str, Cell]]]]:
        """Rows for the template: key, then each cell's key, column look and content."""
        columns = TABLES[name].columns
        return [
            (row, [(f"{name}.{row}.{c.key}", c.look, self.cells[f"{name}.{row}.{c.key}"]) for c in columns])
            for row in self.rows[name]
        ]


def classes(look: str) -> str:
    """CSS classes of a look; the script makes the same ones."""
    return " ".join(f"look-{word}" for word in (look or "none").split())


@dataclass(slots=True)
class Canvas:
    """Cells and rows while a picture is made."""

    cells: dict[str, Cell] = field(default_factory=dict)
    rows: dict[str, list[str]] = field(default_factory=lambda: {name: [] for name in TABLES})

    def put(self, key: str, text: str, look: str = "") -> None:
        self.cells[key] = (text, look)

    def row(self, table: str, key: str, **cells: str | Cell) -> None:
        """Add a row; every column of the table must be given."""
        self.rows[table].append(key)
        for column in TABLES[table].columns:
            given = cells[column.key]
            self.cells[f"{table}.{key}.{column.key}"] = given if isinstance(given, tuple) else (given, "")


def build(state: LiveState, account: str, sources: Mapping[str, Source], now_ns: int, caution: float = 0.10) -> Picture:
    """The page of `account` ("" or an unknown one: the first); `caution` is the cushion of level 1."""
    accounts = state.account_names()
    if account not in accounts:
        account = accounts[0] if accounts else ""
    canvas = Canvas()
    _links(canvas, state, sources, now_ns)
    _strip(canvas, state, account, now_ns)
    rows.margin(canvas, state, account)
    rows.groups(canvas, state, account)
    rows.positions(canvas, state, account)
    rows.orders(canvas, state, account)
    rows.quotes(canvas, state)
    rows.system(canvas, state)
    points = list(state.history.get(account, ()))
    for key, words in chart.labels(points).items():
        canvas.put(f"chart.{key}", words)
    return Picture(
        account=account,
        accounts=accounts,
        cells=canvas.cells,
        rows=canvas.rows,
        marks={**_bar(state.accounts.get(account), caution), "chart.line": chart.line(points)},
        sources={name: source.look for name, source in sources.items()},
        as_of_ns=now_ns,
    )


def difference(old: Picture, new: Picture) -> dict[str, Any]:
    """What the script must change to turn one picture into the other; the same keys as `whole`."""
    return {
        "account": new.account,
        "accounts": new.accounts,
        "cells": {key: cell for key, cell in new.cells.items() if old.cells.get(key) != cell},
        "rows": {name: keys for name, keys in new.rows.items() if old.rows.get(name) != keys},
        "marks": {name: mark for name, mark in new.marks.items() if old.marks.get(name) != mark},
        "sources": {name: look for name, look in new.sources.items() if old.sources.get(name) != look},
        "as_of": rows.utc(new.as_of_ns),
    }


def whole(picture: Picture) -> dict[str, Any]:
    """The complete picture, for a page that knows nothing yet."""
    return {
        "account": picture.account,
        "accounts": picture.accounts,
        "cells": picture.cells,
        "rows": picture.rows,
        "marks": picture.marks,
        "sources": picture.sources,
        "as_of": rows.utc(picture.as_of_ns),
    }


def _strip(canvas: Canvas, state: LiveState, account: str, now_ns: int) -> None:
    """The account's few big figures."""
    figure = state.accounts.get(account)
    at_least = figure is not None and bool(figure["flags"] & 1)
    pnl = state.pnl.get(account)
    daily = pnl.daily if pnl is not None else value(figure, "daily_pnl")
    canvas.put("strip.net_liquidation", numbers.model(value(figure, "net_liquidation")), "model")
    canvas.put("strip.daily", numbers.change(daily), rows.sign(daily))
    canvas.put("strip.excess_liquidity", numbers.model(value(figure, "excess_liquidity")), "model")
    canvas.put("strip.available_funds", numbers.model(value(figure, "available_funds")), "model")
    canvas.put("strip.buying_power", numbers.model(value(figure, "buying_power")), "model")
    canvas.put("strip.maintenance", numbers.model(value(figure, "maintenance_margin"), at_least), "model")
    canvas.put("strip.cushion", numbers.percent(value(figure, "cushion")), "")
    level = min(int(figure["level"]), 4) if figure is not None else -1
    canvas.put("strip.level", LEVELS[level] if level >= 0 else "no level", LEVEL_LOOKS[level] if level >= 0 else "dim")
    canvas.put("strip.currency", state.currencies.get(account, ""))
    age_s = (now_ns - state.account_publish_ns[account]) / 1e9 if account in state.account_publish_ns else math.nan
    tws_ns = int(figure["tws_ns"]) if figure is not None else 0
    tws_s = (now_ns - tws_ns) / 1e9 if tws_ns else math.nan
    canvas.put("strip.model_age", _coarse(age_s))
    canvas.put("strip.tws_age", _coarse(tws_s), "stale" if tws_s > STALE_AFTER_S["tws_account"] else "")


def _links(canvas: Canvas, state: LiveState, sources: Mapping[str, Source], now_ns: int) -> None:
    """The header: TWS, paper or live, trading, market time; and the word for each source."""
    for name, source in sources.items():
        canvas.put(f"source.{name}", source.word, source.look)
    worst = max(
        (source for name, source in sources.items() if name in ("ingest", "margin")), key=_badness, default=None
    )
    word, look = (worst.word, worst.look) if worst is not None else ("offline", "waiting")
    canvas.put("link.state", f"{'●' if look == 'live' else '○'} {word}", look)
    tws = state.tws.get("ingest")
    if tws is None:
        canvas.put("link.tws", "TWS —", "dim")
        canvas.put("link.mode", "", "")
        canvas.put("link.market", numbers.UNKNOWN)
        canvas.put("link.lines", numbers.UNKNOWN)
    else:
        ready = tws.state == "READY"
        canvas.put("link.tws", f"TWS {tws.state}", "up" if ready else "alarm")
        canvas.put("link.mode", "PAPER" if tws.paper else "LIVE", "paper" if tws.paper else "real")
        since_ns = max(now_ns - state.tws_publish_ns["ingest"], 0)
        canvas.put("link.market", rows.exchange_clock(tws.market_time_ns + int(since_ns * tws.market_rate)))
        canvas.put("link.lines", f"{tws.lines_used}/{tws.lines_limit} lines")
    trading = state.trading
    on = trading is not None and trading.enabled
    canvas.put("link.trading", "TRADING ON" if on else "TRADING OFF", "warn" if on else "dim")
    status = state.status
    canvas.put("link.system", str(status.state) if status is not None else numbers.UNKNOWN, rows.state_look(status))
    canvas.put("link.run", status.run if status is not None else "")


def _badness(source: Source) -> tuple[bool, bool, float]:
    return not source.seen, source.stale, source.silent_s


def _bar(figure: Any, caution: float) -> dict[str, str]:
    """Places on the cushion bar in percent of its width; an unknown cushion has its mark off the bar."""
    cushion = value(figure, "cushion")
    warn = WARN_OF_MAINTENANCE * value(figure, "maintenance_margin") / (value(figure, "net_liquidation") or math.nan)
    return {
        "cushion.mark": _place(cushion) if math.isfinite(cushion) else "-10%",
        "cushion.caution": _place(caution),
        "cushion.warn": _place(warn if math.isfinite(warn) else 0.0),
    }


def _place(cushion: float) -> str:
    share = (cushion - BAR_FROM) / (BAR_TO - BAR_FROM)
    return f"{min(max(share, 0.0), 1.0) * 100:.1f}%"


def _coarse(age_s: float) -> str:
    """Ages under two seconds are one word: a tenth that flickers tells nobody anything."""
    if math.isnan(age_s):
        return numbers.UNKNOWN
    return "now" if age_s < 2.0 else f"{numbers.age(age_s)} ago"


def value(figure: Any, name: str) -> float:
    """A field of a record; nan where there is no record."""
    return float(figure[name]) if figure is not None else math.nan
