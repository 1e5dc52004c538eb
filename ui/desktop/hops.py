"""The status bar's words: each hop between TWS and this window, from links and states. Pure."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

from pipeline.messages import ProcessStatus, State, SystemStatus, TwsState
from ui.desktop import format as fmt
from ui.desktop.picture.health import Condition, Health
from ui.desktop.theme import Tone

SLOW_MS = 100.0


class Hop(NamedTuple):
    """Text and tone of one button."""

    text: str
    tone: Tone
    tip: str = ""


def dot(health: Health) -> tuple[str, Tone]:
    """● well · ◐ old or loading · ✖ gone."""
    if health.condition <= Condition.EMPTY:
        return "●", Tone.UP
    if health.condition is Condition.LOADING:
        return "◌", Tone.CAUTION
    return ("◐", Tone.CAUTION) if health.condition is Condition.STALE else ("✖", Tone.ALARM)


def tws(state: TwsState | None, health: Health) -> Hop:
    """The TWS connection of ingest, with its round trip."""
    sign, tone = dot(health)
    trip = state.round_trip_ms if state is not None else math.nan
    text = f"TWS {sign} {fmt.milliseconds(trip)}" if tone is Tone.UP else f"TWS {sign}"
    return Hop(text, tone, health.text or (f"{state.address} version {state.server_version}" if state else ""))


def data(state: TwsState | None, health: Health, kind: str) -> Hop:
    """Market data and lines."""
    if state is None:
        return Hop("Data —", Tone.CAUTION, health.text)
    word = "STALE" if health.old else kind
    broken = [name for name, how in state.farms.items() if how not in ("ok", "inactive")]
    tone = Tone.CAUTION if health.old or broken or kind != "LIVE" else Tone.FG
    tip = f"broken farms: {', '.join(broken)}" if broken else "market-data lines used, of TWS's limit"
    return Hop(f"Data {word} {state.lines_used}/{state.lines_limit} lines", tone, tip)


def margin(latency_ms: float, health: Health) -> Hop:
    """Publish time of the last figure minus receive time of the oldest tick that it answers."""
    sign, tone = dot(health)
    slow = Tone.CAUTION if latency_ms > SLOW_MS else tone
    text = f"Margin {sign} {fmt.milliseconds(latency_ms)}" if not health.old else f"Margin {sign}"
    return Hop(text, slow, health.text or "from the oldest tick at the socket to the published figure")


def writer(status: SystemStatus | None, fresh: bool) -> Hop:
    """The writer's state, and how far it is behind."""
    process = _process(status, "writer")
    if process is None or not fresh:
        return Hop("Writer —", Tone.CAUTION, "no status of the writer")
    lag = _first(process.detail, ("lag_ms", "commit_lag_ms", "lag_p99_ms"))
    well = process.state is State.READY
    sign = "●" if well else "✖"
    text = f"Writer {sign} {fmt.milliseconds(lag)}" if math.isfinite(lag) else f"Writer {sign}"
    behind = f"{process.queue} waiting · " if process.queue else ""
    tip = behind + (process.last_error or process.state.value)
    return Hop(text if well else f"{text} {process.state}", Tone.UP if well else Tone.ALARM, tip)


def drops(gaps: int, bad: int, queue_drops: int) -> Hop:
    """What this desk has missed on the live lane; each gap was repaired by a snapshot."""
    total = gaps + queue_drops
    tip = f"gaps {gaps} (repaired) · queue full {queue_drops} · undecodable {bad}"
    return Hop(f"Drops {total}", Tone.CAUTION if total or bad else Tone.DIM, tip)


def window(frames_per_s: float, lag_p99_ms: float, lags: int) -> Hop:
    """Frames a second, and the worst lateness of late."""
    tone = Tone.CAUTION if lag_p99_ms > SLOW_MS else Tone.DIM
    text = f"UI {frames_per_s:.0f} fps {fmt.milliseconds(lag_p99_ms)}"
    return Hop(text, tone, f"p99 lateness of the frame timer; {lags} frames were late by more than 100 ms")


def market_time(ns: int, rate: float, health: Health) -> Hop:
    """Exchange time, as TWS tells it."""
    if ns <= 0:
        return Hop("ET —", Tone.DIM, "TWS has not told its time")
    fast = f" ×{rate:g}" if rate != 1.0 else ""
    return Hop(f"ET {fmt.clock_time(ns)}{fast}", Tone.STALE if health.old else Tone.DIM, fmt.date_time(ns))


def _process(status: SystemStatus | None, name: str) -> ProcessStatus | None:
    return next((p for p in status.processes if p.process == name), None) if status else None


def _first(detail: dict[str, Any], names: tuple[str, ...]) -> float:
    for name in names:
        value = detail.get(name)
        if isinstance(value, (int, float)):
            return float(value)
    return math.nan
