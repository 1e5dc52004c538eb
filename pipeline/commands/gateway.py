"""`gateway`: the simulated TWS alone, for any TWS API client."""

from __future__ import annotations

import argparse

from pipeline.gateway import alone


def main(options: argparse.Namespace) -> int:
    """Its exit code is the gateway's."""
    return alone.run(options)
