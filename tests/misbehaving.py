"""A child that fails, hangs or ignores SIGTERM on demand: `python -m tests.misbehaving NAME BEHAVIOUR [FILE]`.

`FILE` gets one line for each start, so that a test can change what the second start does.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path

from pipeline import service
from pipeline.errors import CannotStart


class Misbehaving(service.Service):
    """Behaviours: good · crash (after ready) · crash-once · fail (before ready) · refuse (exit 3) · hang · mute (never
    ready) · stubborn (SIGTERM changes nothing) · leave (exit 0 unasked)."""

    behaviour = "good"
    starts = 1

    def setup(self) -> None:
        if self.behaviour == "fail":
            raise OSError("failed before it was ready")
        if self.behaviour == "refuse":
            raise CannotStart("port 1 is taken; set another one")
        while self.behaviour == "mute":
            time.sleep(0.05)
            self.beat()

    def step(self, timeout_ms: int) -> None:
        if self.behaviour == "crash" or (self.behaviour == "crash-once" and self.starts == 1):
            os.kill(os.getpid(), signal.SIGKILL)
        if self.behaviour == "leave" and self.starts == 1:
            self.stopping.set()
        if self.behaviour == "hang" and self.starts == 1:
            time.sleep(600)
        time.sleep(timeout_ms / 1000)

    def drain(self) -> None:
        while self.behaviour == "stubborn":
            time.sleep(0.05)
            self.beat()


def main() -> int:
    Misbehaving.name, Misbehaving.behaviour = sys.argv[1:3]
    if len(sys.argv) > 3:
        path = Path(sys.argv[3])
        with path.open("a", encoding="utf-8") as file:
            file.write(f"{os.getpid()}\n")
        Misbehaving.starts = len(path.read_text(encoding="utf-8").splitlines())
    return service.main(Misbehaving)


if __name__ == "__main__":
    raise SystemExit(main())
