"""One line of the table of processes; standard library only, because run.py states the table before set-up."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Spec:
    """A process of a run: `python -m module`, started as soon as those in `after` are ready."""

    name: str
    module: str
    after: tuple[str, ...] = ()
    silence_s: float = 3.0  # without a beat: hung
    sink: bool = False  # it records the others: our own last events are handed to it before it stops
    window: bool = False  # closing it is no failure
    arguments: tuple[str, ...] = ()

    def command(self, python: str) -> list[str]:
        return [python, "-m", self.module, *self.arguments]
