"""`desk`: one more window for the active run; it belongs to this terminal, not to the supervisor."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys

from pipeline.commands import ROOT, places, screen
from pipeline.runtime import STATE_VARIABLE
from pipeline.supervisor import lock

EXIT_NO_SCREEN, EXIT_NOT_RUNNING = 1, 3


def main(options: argparse.Namespace) -> int:
    """Its exit code is the window's."""
    runtime = places.active(options)
    if not lock.holder(runtime.state_dir):
        print(f"not running (state directory {runtime.state_dir}); start it with `run.py` or `run.py up`")
        return EXIT_NOT_RUNNING
    if reason := screen.why_not():
        print(f"no desk: {reason}")
        return EXIT_NO_SCREEN
    environment = os.environ | {STATE_VARIABLE: str(runtime.state_dir)}
    environment.pop("MARGINDESK_LIFELINE", None)
    words = [sys.executable, "-m", "ui.desktop"]
    if os.name == "nt":
        return subprocess.call(words, cwd=ROOT, env=environment)
    os.chdir(ROOT)
    os.execve(words[0], words, environment)  # noqa: S606  (the window takes this terminal's place)
