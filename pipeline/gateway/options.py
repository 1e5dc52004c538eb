"""The options of the simulated TWS on a command line: each is a key of `config.Gateway`, said once. Pure."""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

from pipeline import config
from pipeline.errors import ConfigError

DEFAULT = config.Gateway()


def times(text: str) -> float:
    """A factor: 60, 60x, or max."""
    return math.inf if text.strip() == "max" else float(text.strip().removesuffix("x"))


def words_of(text: str) -> list[str]:
    """Words between commas."""
    return [word.strip() for word in text.split(",") if word.strip()]


# key of config.Gateway, metavar, how a word is read, help
OPTIONS: tuple[tuple[str, str, Callable[[str], Any], str], ...] = (
    ("host", "ADDRESS", str, "loopback address to listen on"),
    ("seed", "N", int, "seed of the market"),
    ("rate", "N", float, "ticks a second, all lines together; 0: none but the first picture"),
    ("burst", "N", int, "send a prebuilt buffer of N frames to each client with lines, again and again"),
    ("clock", "N", times, "market seconds a second: 60 or 60x"),
    ("hours", "KIND", str, "calendar: as the exchanges; always: the market never closes"),
    ("without_live_data", "A,B", words_of, "symbols whose live data the user has not subscribed to"),
    ("scenario", "FILE", str, "faults, docs/gateway/faults.md"),
    ("control", "PATH", str, "socket in a directory of mode 0700 that takes faults at run time"),
    ("replay", "DIR", str, "recorded data instead of the made market"),
    ("replay_speed", "N", times, "recorded seconds a second: 1000, 1000x, max"),
    ("replay_wait", "N", int, "market-data lines that are asked for before the recording begins"),
    ("replay_pause", "S", float, "longest quiet in the recording, in its seconds"),
    ("master_client", "ID", int, "client that hears of every client's orders"),
    ("tls_cert", "FILE", str, "PEM certificate; with --tls-key: TLS"),
    ("tls_key", "FILE", str, "PEM key, readable by its owner alone"),
    ("tls_client_ca", "FILE", str, "PEM authority whose certificates clients need"),
    ("limits.clients", "N", int, "connections"),
    ("limits.messages_per_s", "N", int, "message rate of a client"),
    ("limits.lines", "N", int, "market-data lines"),
    ("limits.depth", "N", int, "market-depth subscriptions of a client"),
    ("limits.tick_by_tick", "N", int, "tick-by-tick subscriptions of a client"),
    ("limits.history_open", "N", int, "historical requests without an answer yet"),
    ("limits.history_identical_s", "N", float, "seconds between two identical historical requests"),
    ("limits.history_same", "N", int, "historical requests of one contract in 2 s, from here refused"),
    ("limits.history_in_10_min", "N", int, "historical requests in ten minutes"),
    ("limits.account_every_s", "N", float, "seconds between account updates"),
    ("limits.pnl_every_s", "N", float, "seconds between reports of profit and loss"),
    ("limits.unread_bytes", "N", int, "bytes that may wait for a client"),
    ("limits.unread_s", "N", float, "seconds that bytes may wait for a client"),
)
SWITCHES = (
    ("advisor", "the accounts belong to a financial adviser"),
    ("read_only", "TWS's Read-Only API: no orders, no what-if"),
    ("replay_announce", "tell the recording's time before each row, by currentTimeInMillis"),
    ("what_if_two_answers", "a what-if is answered twice, first without figures"),
    ("open_orders_at_start", "a client's open orders are told as it connects"),
)


def add(parser: argparse.ArgumentParser, port: int) -> None:
    """Give a parser every option; `port` is the default one."""
    parser.add_argument("--port", type=int, default=port, metavar="N", help="0: any free one (default: %(default)s)")
    for key, metavar, kind, text in OPTIONS:
        parser.add_argument(name(key), dest=key, type=kind, metavar=metavar, help=f"{text}{_default(key)}")
    for key, text in SWITCHES:
        parser.add_argument(name(key), dest=key, action="store_true", default=None, help=text)
    parser.add_argument("--day", type=date.fromisoformat, metavar="YYYY-MM-DD", help="first market day (today)")
    parser.add_argument("--ledger", type=Path, metavar="DIR", help="where counters of frames and the state are kept")


def settings(asked: argparse.Namespace) -> config.Gateway:
    """What was asked for, checked as the configuration is; ConfigError names every fault."""
    given: dict[str, Any] = {"port": asked.port}
    for key in [key for key, *_ in OPTIONS + SWITCHES]:
        value = getattr(asked, key)
        if value is None:
            continue
        table, _, last = key.rpartition(".")
        (given.setdefault(table, {}) if table else given)[last] = value
    try:
        return config.parse({"gateway": given}, "gateway").gateway
    except ConfigError as error:
        spoken = [fault.replace("$.gateway.limits.", "--").replace("$.gateway.", "--") for fault in error.faults]
        raise ConfigError([fault.replace("_", "-").removeprefix("gateway: ") for fault in spoken]) from error


def words(wanted: config.Gateway) -> list[str]:
    """The command line that gives these settings; what is a default is left out."""
    found = ["--port", str(wanted.port)]
    for key, *_ in OPTIONS:
        value = _value(wanted, key)
        if value != _value(DEFAULT, key):
            found += [name(key), ",".join(value) if isinstance(value, list) else str(value)]
    return found + [name(key) for key, _ in SWITCHES if _value(wanted, key)]


def name(key: str) -> str:
    return "--" + key.rpartition(".")[2].replace("_", "-")


def _value(wanted: config.Gateway, key: str) -> Any:
    found: Any = wanted
    for part in key.split("."):
        found = getattr(found, part)
    return found


def _default(key: str) -> str:
    value = _value(DEFAULT, key)
    return f" (default: {value})" if value not in ("", []) else ""
