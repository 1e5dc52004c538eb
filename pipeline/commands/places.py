"""Which configuration and which state directory a command means."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

import platformdirs

from pipeline import config
from pipeline.commands import ROOT
from pipeline.errors import MargindeskError
from pipeline.runtime import STATE_VARIABLE, Runtime
from pipeline.supervisor import lock

DEMO = ROOT / "configs" / "demo.toml"


def settings(options: argparse.Namespace, default: Path | None = DEMO) -> config.Settings:
    """The configuration asked for; ConfigError names every fault."""
    path: Path | None = options.config or default
    if path is None:
        raise MargindeskError("expected --config FILE, for example configs/paper.toml or configs/live.toml")
    return config.load(path)


def runtime(options: argparse.Namespace, name: str) -> Runtime:
    """The state directory: --state, else MARGINDESK_STATE, else the user's own, by the configuration's name."""
    given = options.state or os.environ.get(STATE_VARIABLE)
    return Runtime(Path(given).expanduser().absolute() if given else home() / name)


def active(options: argparse.Namespace) -> Runtime:
    """The run that a command from another terminal means; without a hint, the only one that is active."""
    if options.state or options.config or os.environ.get(STATE_VARIABLE):
        return runtime(options, settings(options).name)
    demo = Runtime(home() / "demo")
    if lock.holder(demo.state_dir) or not home().is_dir():
        return demo
    others = [path for path in home().iterdir() if path.is_dir() and lock.holder(path)]
    return Runtime(others[0]) if len(others) == 1 else demo


def home() -> Path:
    """Where state directories are by default."""
    return Path(platformdirs.user_state_dir("margindesk", appauthor=False))
