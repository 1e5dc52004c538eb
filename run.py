#!/usr/bin/env python3
"""Margindesk: real-time margin for Interactive Brokers accounts.

`python run.py` starts a whole demo; `python run.py --help` names the other commands. The first use makes `.venv` and
installs what requirements.lock names. This process becomes the supervisor of the table below: it starts, watches,
restarts and stops the processes, and owns nothing but the journal of its own events.
"""

from __future__ import annotations

import sys
from pathlib import Path

from pipeline import bootstrap
from pipeline.supervisor.table import Spec

# In start order; stop is the reverse. Those that wait for nothing, or for the same, start side by side.
CHILDREN = (
    # the embedded PostgreSQL: initdb, server, roles, migrations
    Spec("postgres", "storage.embedded"),
    # the simulated TWS; left out against a real one
    Spec("gateway", "pipeline.gateway"),
    # journals of all sources → PostgreSQL, each record exactly once; its loop waits while a busy disk commits
    Spec("writer", "storage.writer", after=("postgres",), silence_s=10.0, sink=True),
    # TWS client A: market data and accounts → journal and live stream
    Spec("ingest", "pipeline.ingest", after=("gateway",)),
    # TWS client B: previews, orders, fills; off until a person switches it on
    Spec("orders", "pipeline.orders", after=("gateway",)),
    # live streams of ingest and orders → margin of every account on every tick
    Spec("margin", "pipeline.margin", after=("gateway",)),
    # Django: the page and the REST API
    Spec("web", "configs.web", after=("postgres",), silence_s=10.0),
    # PyQt5: the trader's window, where there is a screen
    Spec("desk", "ui.desktop", after=("ingest",), silence_s=10.0, window=True),
)


def main() -> int:
    bootstrap.enter(Path(__file__).resolve().parent)
    from pipeline import commands  # from here on the locked packages are there

    return commands.main(CHILDREN, sys.argv[1:])


if __name__ == "__main__":
    raise SystemExit(main())
