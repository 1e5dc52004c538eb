"""`bench`: hands over to `python -m bench`, which lists, runs, keeps and compares."""

from __future__ import annotations

import argparse
import subprocess
import sys

from pipeline.commands import ROOT


def main(options: argparse.Namespace) -> int:
    words = [sys.executable, "-m", "bench"]
    if options.name:
        words.append(options.name)
    words += [f"--{word}" for word in ("json", "save", "compare") if getattr(options, word)]
    return subprocess.call(words + options.rest, cwd=ROOT)
