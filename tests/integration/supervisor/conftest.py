from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest

from pipeline import config
from pipeline.clock import SystemClock
from pipeline.messages import ProcessEvent, unpack
from pipeline.runtime import Runtime
from pipeline.supervisor.child import Child
from pipeline.supervisor.policy import Limits
from pipeline.supervisor.supervisor import Supervisor
from pipeline.supervisor.table import Spec

DEADLINE_S = 30.0
QUICK = Limits(silence_s=1.0, first_wait_s=0.02, longest_wait_s=0.1, start_s=20.0)
SETTINGS = config.Settings(name="test", journal=config.Journal(segment_bytes=1 << 20))


class Run:
    """A supervisor over misbehaving children, turned by the test itself."""

    def __init__(self, directory: Path, specs: list[Spec], limits: Limits) -> None:
        self.runtime = Runtime(directory)
        self.runtime.prepare()
        self.runtime.settings_file.write_bytes(msgspec.json.encode(SETTINGS))
        self.told: list[str] = []
        self.supervisor = Supervisor(
            self.runtime, SETTINGS, specs, clock=SystemClock(), tell=self.told.append, limits=limits
        )

    def child(self, name: str) -> Child:
        return next(child for child in self.supervisor.children if child.name == name)

    def until(self, wanted: Callable[[], bool]) -> None:
        """Turn until `wanted` holds; fails with what the children said."""
        end = time.monotonic() + DEADLINE_S
        while not wanted():
            assert time.monotonic() < end, f"{self.told}\n{self.outputs()}"
            self.supervisor.turn(20)

    def outputs(self) -> str:
        return "\n".join(
            f"== {path.name}\n{path.read_text(errors='replace')}"
            for path in sorted(self.runtime.logs.iterdir())
            if path.suffix in (".out", ".log")
        )

    def events(self, name: str) -> list[str]:
        """The recorded events of a process, from the supervisor's journal."""
        from pipeline.bus.reading import read_frames

        found = []
        for frame in read_frames(self.runtime.journal_dir("supervisor")):
            if frame.topic == b"sys.process":
                event = unpack(frame.payload)
                assert isinstance(event, ProcessEvent)
                if event.process == name:
                    found.append(event.event)
        return found


@pytest.fixture
def start() -> Iterator[Callable[..., Run]]:
    """start({"name": "behaviour", …}) gives a Run; its children are gone when the test is over."""
    runs: list[Run] = []
    with tempfile.TemporaryDirectory(prefix="md-", ignore_cleanup_errors=True) as name:

        def make(children: dict[str, str], *, limits: Limits = QUICK, **of_all: dict[str, object]) -> Run:
            specs = []
            for child, behaviour in children.items():
                words = (child, behaviour, str(Path(name) / f"{child}.starts"))
                more = of_all.get(child, {})
                specs.append(Spec(child, "tests.misbehaving", arguments=words, **more))  # type: ignore[arg-type]
            runs.append(Run(Path(name) / "state", specs, limits))
            return runs[-1]

        yield make
        for run in runs:
            for child in run.supervisor.children:
                child.kill()
            while any(child.runs() for child in run.supervisor.children):
                run.supervisor.turn(20)
            run.supervisor.close()
