"""`doctor`: one line a check, OK, WARN or FAIL, and what to do. It changes nothing."""

from __future__ import annotations

import argparse
import importlib.metadata
import os
import shutil
import socket
import stat
import sys
from collections.abc import Iterator
from dataclasses import dataclass

from pipeline import bootstrap, config
from pipeline.bus import reading
from pipeline.commands import ROOT, places, screen
from pipeline.commands.summary import DIRECTORIES
from pipeline.errors import ConfigError
from pipeline.messages import PayloadKind
from pipeline.runtime import Runtime
from pipeline.supervisor import lock

OK, WARN, FAIL = "OK", "WARN", "FAIL"
LOW_BYTES, LEAST_BYTES = 5 << 30, 1 << 30
IBAPI_PROVIDERS = ("ibapi-stable", "ibapi")
CONNECT_S = 2.0
TICK_THIS = (
    "in TWS: File ▸ Global Configuration ▸ API ▸ Settings: tick 'Enable ActiveX and Socket Clients' and "
    "'Allow connections from localhost only', and compare 'Socket port'"
)


@dataclass(frozen=True, slots=True)
class Finding:
    """One line."""

    state: str
    what: str
    found: str
    do: str = ""


def main(options: argparse.Namespace) -> int:
    """0 when nothing fails, else 1."""
    findings = list(examine(options))
    for one in findings:
        print(f"{one.state:<5} {one.what:<18} {one.found}" + (f"\n{'':<25}→ {one.do}" if one.do else ""))
    return 1 if any(one.state == FAIL for one in findings) else 0


def examine(options: argparse.Namespace) -> Iterator[Finding]:
    """Every check, in an order that a person can follow."""
    yield python()
    yield from packages()
    yield from libraries()
    try:
        settings = places.settings(options)
    except ConfigError as error:
        for fault in error.faults:
            yield Finding(FAIL, "configuration", fault, "mend it; docs/config.md names every key")
        return
    yield Finding(OK, "configuration", f"{options.config or places.DEMO}: {settings.name}")
    runtime = places.runtime(options, settings.name) if options.config else places.active(options)
    runs = lock.holder(runtime.state_dir)
    yield Finding(OK, "run", f"active, pid {runs}" if runs else "not running")
    yield from state_directory(runtime)
    yield disk(runtime)
    yield from journals(runtime)
    if not runs:
        yield from ports(settings)
    yield tws(settings, runtime)


def python() -> Finding:
    version = ".".join(map(str, sys.version_info[:3]))
    if sys.version_info[:2] < bootstrap.OLDEST:
        return Finding(FAIL, "python", version, "start run.py with Python 3.11 or newer")
    return Finding(OK, "python", f"{version} ({sys.executable})")


def packages() -> Iterator[Finding]:
    """The locked packages, and that only one of them provides the module `ibapi`."""
    wrong = bootstrap.differences(ROOT / "requirements.lock")
    for text in wrong:
        yield Finding(FAIL, "packages", text, "remove .venv and start run.py again")
    if not wrong:
        yield Finding(OK, "packages", "as in requirements.lock")
    providers = []
    for name in IBAPI_PROVIDERS:
        try:
            providers.append(f"{name} {importlib.metadata.version(name)}")
        except importlib.metadata.PackageNotFoundError:
            continue
    if len(providers) > 1:
        text = f"two packages provide it: {', '.join(providers)}"
        yield Finding(FAIL, "ibapi", text, "pip uninstall ibapi ibapi-stable; then remove .venv/stamp and start run.py")
    else:
        yield Finding(OK if providers else FAIL, "ibapi", providers[0] if providers else "missing")


def libraries() -> Iterator[Finding]:
    """What the desk needs of the system; a machine without a screen can do without."""
    missing = screen.missing_packages({**screen.QT_LIBRARIES, **screen.XCB_LIBRARIES}, fonts=False)
    if missing:
        text = f"missing for the desk: {', '.join(missing)}"
        yield Finding(WARN, "system libraries", text, screen.command(missing))
    else:
        yield Finding(OK, "system libraries", "all that the desk needs")
    if sys.platform.startswith("linux") and not screen.has_fonts():
        do = screen.command(screen.FONT_PACKAGES)
        yield Finding(WARN, "fonts", "none: the desk would show no text", do)
    else:
        yield Finding(OK, "fonts", "found")
    if screen.has_display():
        yield Finding(OK, "display", os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY") or sys.platform)
    else:
        yield Finding(WARN, "display", "none: no desk here", "the page works without; or set DISPLAY, or use Xvfb")


def state_directory(runtime: Runtime) -> Iterator[Finding]:
    """Ours, and closed to others."""
    path = runtime.state_dir
    if not path.exists():
        yield Finding(OK, "state directory", f"{path}: made at the first start")
        return
    for place in (path, runtime.keys, runtime.sockets):
        if not place.exists() or sys.platform == "win32":
            continue
        facts = place.stat()
        mode = stat.S_IMODE(facts.st_mode)
        if facts.st_uid != os.getuid():
            yield Finding(FAIL, "state directory", f"{place} belongs to uid {facts.st_uid}", "give another --state")
        elif mode & (0o077 if place != path else 0o066):
            yield Finding(FAIL, "state directory", f"{place} has mode {mode:o}, expected 700", f"chmod 700 {place}")
    for key in runtime.keys.glob("*") if runtime.keys.exists() else []:
        if sys.platform != "win32" and stat.S_IMODE(key.stat().st_mode) & 0o077:
            yield Finding(FAIL, "keys", f"{key} can be read by others", f"chmod 600 {key}")
    yield Finding(OK, "state directory", str(path))


def disk(runtime: Runtime) -> Finding:
    """Journals and database need room; a full disk stops the recording."""
    place = runtime.state_dir
    while not place.exists():
        place = place.parent
    free = shutil.disk_usage(place).free
    text = f"{free / 1e9:.1f} GB free at {place}"
    if free < LEAST_BYTES:
        return Finding(FAIL, "disk", text, "make room: a full disk stops the recording")
    if free < LOW_BYTES:
        return Finding(WARN, "disk", text, "less than 5 GB: watch it")
    return Finding(OK, "disk", text)


def journals(runtime: Runtime) -> Iterator[Finding]:
    """Frames that can be read, and what a recovery found damaged."""
    for name in DIRECTORIES.values():
        directory = runtime.journal_dir(name)
        if not directory.is_dir():
            continue
        frames = records = damage = 0
        epochs = set()
        for frame in reading.read_frames(directory):
            frames += 1
            records += frame.header.count
            epochs.add(frame.header.epoch)
            if frame.header.kind is PayloadKind.MAP and frame.topic == b"sys.gap" and b"damaged" in frame.payload:
                damage += 1
        text = f"{name}: {frames:,} frames, {records:,} records, {len(epochs)} epochs"
        if damage:
            text += f", damaged {damage} times"
            yield Finding(WARN, "journal", text, "sys.gap rows name what is missing; look at the disk and its log")
        else:
            yield Finding(OK, "journal", text)


def ports(settings: config.Settings) -> Iterator[Finding]:
    """Configured ports that something else has."""
    wanted = [("web", settings.web.host, settings.web.port if settings.web.enabled else 0)]
    wanted.append(("gateway", settings.gateway.host, settings.gateway.port if settings.gateway.enabled else 0))
    for name, host, port in wanted:
        if port == 0:
            continue
        with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host, port))
            except OSError as error:
                do = f"set another [{name}] port, or 0 for any free one"
                yield Finding(FAIL, "port", f"{name}: {host}:{port} can't be had: {error.strerror}", do)
                continue
        yield Finding(OK, "port", f"{name}: {host}:{port} is free")


def tws(settings: config.Settings, runtime: Runtime) -> Finding:
    """Whether something listens where TWS should."""
    if settings.gateway.enabled:
        facts = runtime.announced("gateway")
        if not facts or not lock.holder(runtime.state_dir):
            return Finding(OK, "TWS", "the simulated one; starts with the run")
        host, port, do = str(facts["host"]), int(facts["port"]), "run.py logs gateway"
    else:
        host, port, do = settings.tws.host, settings.tws.port, TICK_THIS
    try:
        socket.create_connection((host, port), timeout=CONNECT_S).close()
    except OSError as error:
        return Finding(FAIL, "TWS", f"{host}:{port} does not answer: {error.strerror or error}", do)
    return Finding(OK, "TWS", f"something listens at {host}:{port}")
