"""`demo` and `up`: this process becomes the supervisor of a run."""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import msgspec

from pipeline import config, logs
from pipeline.clock import SystemClock
from pipeline.commands import ROOT, doctor, places, screen
from pipeline.commands.summary import Accounts
from pipeline.messages import State
from pipeline.runtime import Runtime
from pipeline.supervisor import notify
from pipeline.supervisor.child import UP, Child
from pipeline.supervisor.lock import ChildrenLock, RunLock
from pipeline.supervisor.policy import Limits
from pipeline.supervisor.supervisor import Supervisor
from pipeline.supervisor.table import Spec

FIRST_START_S = 180.0
LEFTOVERS_S = 5.0
EXIT_UNCLEAN = 1


def main(options: argparse.Namespace, specs: Sequence[Spec]) -> int:
    """Run until it is over; 0 only if every process ended cleanly and, with --seconds, no record is lost or doubled."""
    settings = places.settings(options, places.DEMO if options.command == "demo" else None)
    runtime = places.runtime(options, settings.name)
    runtime.prepare()
    run_lock = RunLock(runtime.state_dir)
    children_lock = ChildrenLock(runtime.state_dir)
    if not children_lock.wait(LEFTOVERS_S):
        say("processes of an earlier run are still there and don't leave; going on beside them")
    logs.configure("supervisor", runtime.logs)
    _write_settings(runtime, settings)
    accounts = Accounts(runtime) if options.seconds else None
    chosen = choose(specs, settings, headless=options.headless)
    supervisor = Supervisor(
        runtime,
        settings,
        chosen,
        clock=SystemClock(),
        tell=say,
        limits=_limits(runtime),
        inherited=children_lock.inherited,
    )
    try:
        return Launch(supervisor, options, accounts).run()
    finally:
        supervisor.close()
        children_lock.release()
        run_lock.release()


def choose(specs: Sequence[Spec], settings: config.Settings, *, headless: bool) -> list[Spec]:
    """The processes of this run."""
    left_out = set()
    if not settings.gateway.enabled:
        left_out.add("gateway")
    if not settings.web.enabled:
        left_out.add("web")
    if headless or not settings.desk.enabled:
        left_out.add("desk")
    elif reason := screen.why_not():
        left_out.add("desk")
        say(f"no desk: {reason}; everything else runs")
    return [spec for spec in specs if spec.name not in left_out]


class Launch:
    """One run, seen from the terminal."""

    def __init__(self, supervisor: Supervisor, options: argparse.Namespace, accounts: Accounts | None) -> None:
        self._supervisor = supervisor
        self._options = options
        self._accounts = accounts
        self._settled_at = 0.0
        self._greeted = 0
        self._summary: dict[str, object] | None = None

    def run(self) -> int:
        supervisor = self._supervisor
        say(f"starting; the state directory is {supervisor.runtime.state_dir}")
        with supervisor.signals():
            while not self._over():
                supervisor.turn()
                self._greet()
            say(f"stopping ({self._why()}); Ctrl-C now kills")
            supervisor.stop(self._account if self._accounts is not None else None)
        for line in supervisor.outcome.unclean:
            say(f"not clean: {line}")
        say("stopped")
        clean = supervisor.outcome.clean
        if self._accounts is None:
            return 0 if clean else EXIT_UNCLEAN
        summary = (self._summary or {}) | {"clean_stop": clean}
        print(json.dumps(summary), flush=True)
        whole = summary.get("lost") == 0 and summary.get("duplicated") == 0
        return 0 if clean and whole else EXIT_UNCLEAN

    def _over(self) -> bool:
        supervisor, options = self._supervisor, self._options
        if supervisor.asked_to_stop or (options.command == "demo" and supervisor.closed_window):
            return True
        return bool(options.seconds and self._settled_at and time.monotonic() - self._settled_at >= options.seconds)

    def _why(self) -> str:
        if self._supervisor.asked_to_stop:
            return "asked to"
        return "the desk was closed" if self._supervisor.closed_window else f"{self._options.seconds:g} s are over"

    def _greet(self) -> None:
        """Name each process once, in the table's order, as soon as it and those before it are up."""
        children = self._supervisor.children
        while self._greeted < len(children) and _is_settled(children[self._greeted]):
            child = children[self._greeted]
            self._greeted += 1
            if child.state in UP:
                say(f"{child.name:<9} {child.state.value.lower()}   pid {child.pid}")
        if not self._settled_at and self._supervisor.settled:
            self._settled_at = time.monotonic()
            _mark(self._supervisor.runtime)
            notify.tell("READY=1")
            for line in where(self._supervisor):
                say(line)

    def _account(self) -> None:
        """Between the writer's stop and PostgreSQL's: everything is recorded, and SQL still answers."""
        assert self._accounts is not None
        self._summary = self._accounts.summary([child.name for child in self._supervisor.children])


def where(supervisor: Supervisor) -> list[str]:
    """What a person wants to know once all is up."""
    runtime, addresses = supervisor.runtime, supervisor.addresses()
    lines = []
    if "web" in addresses:
        facts = runtime.announced("web") or {}
        lines.append(f"page      {addresses['web']}{_login(facts)}")
    if "gateway" in addresses:
        lines.append(f"TWS       {addresses['gateway']} (simulated, for any TWS API client)")
    else:
        tws = supervisor.settings.tws
        lines.append(f"TWS       {tws.host}:{tws.port} ({tws.mode}){_tws_fault(supervisor)}")
    for child in supervisor.children:
        if child.state is State.FAILED:
            lines.append(f"{child.name:<9} does not run: {child.reason}")
        elif child.spec.window and child.state in UP:
            lines.append(f"{child.name:<9} a window on this screen")
    lines.append("all is up; Ctrl-C stops it. From another terminal: run.py status, logs, stop")
    return lines


def _tws_fault(supervisor: Supervisor) -> str:
    """Why ingest is not connected, and what to do; empty where it is. It goes on trying."""
    for child in supervisor.children:
        told = child.beat.detail if child.name == "ingest" and child.beat is not None else {}
        if told and told.get("tws") not in ("READY", "SYNCING"):
            return f": {told.get('why') or 'not connected'}; tried again and again. Do this {doctor.TICK_THIS}"
    return ""


def _login(facts: dict[str, object]) -> str:
    """The first password is shown on a terminal only; elsewhere the path of its 0600 file is."""
    path = Path(str(facts.get("password_file") or ""))
    if not path.is_file():
        return ""
    user = facts.get("user", "admin")
    if not sys.stdout.isatty():
        return f"  (user {user}, password in {path})"
    return f"  (user {user}, password {path.read_text(encoding='utf-8').strip()})"


def say(text: str) -> None:
    print(text, flush=True)


def _is_settled(child: Child) -> bool:
    return child.ever and child.state in (*UP, State.FAILED, State.STOPPED)


def _write_settings(runtime: Runtime, settings: config.Settings) -> None:
    fresh = runtime.settings_file.with_suffix(".new")
    fresh.write_bytes(msgspec.json.format(msgspec.json.encode(settings)))
    fresh.replace(runtime.settings_file)


def _limits(runtime: Runtime) -> Limits:
    """The first start of these sources on this state takes longer: initdb, and numba compiles."""
    limits = Limits()
    try:
        known = (runtime.state_dir / "started").read_text(encoding="ascii") == _sources()
    except OSError:
        known = False
    return limits if known else replace(limits, start_s=FIRST_START_S)


def _mark(runtime: Runtime) -> None:
    (runtime.state_dir / "started").write_text(_sources(), encoding="ascii")


def _sources() -> str:
    """Changes when any source of the pipeline does."""
    digest = hashlib.sha256(sys.version.encode())
    for path in sorted((ROOT / "pipeline").rglob("*.py")):
        facts = os.stat(path)
        digest.update(f"{path.name} {facts.st_size} {facts.st_mtime_ns}".encode())
    return digest.hexdigest()
