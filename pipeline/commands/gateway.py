"""`gateway`: the simulated TWS alone, for any TWS API client."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys

from pipeline.commands import ROOT


def main(options: argparse.Namespace) -> int:
    """Its exit code is the gateway's."""
    words = [sys.executable, "-m", "pipeline.gateway.alone", "--host", options.host, "--port", str(options.port)]
    if options.seed is not None:
        words += ["--seed", str(options.seed)]
    if options.rate is not None:
        words += ["--rate", str(options.rate)]
    if os.name == "nt":
        return subprocess.call(words, cwd=ROOT)
    os.chdir(ROOT)
    os.execv(words[0], words)  # noqa: S606  (it takes this process's place)
