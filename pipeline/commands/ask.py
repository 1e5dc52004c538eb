"""`ask`: one command to ingest from a shell: contracts, chains, history, news, scans, feeds."""

from __future__ import annotations

import argparse
import csv
import json
import math
import sys
from datetime import UTC, datetime
from typing import Any, get_args

import msgspec
import numpy as np
import zmq

from pipeline import messages
from pipeline.bus import sockets
from pipeline.bus.control import CommandClient, new_request_id
from pipeline.clock import SystemClock
from pipeline.commands import places
from pipeline.errors import MargindeskError
from pipeline.messages import AddSymbol, DataCommand, FindSymbols, RemoveSymbol, Reply

KINDS = {
    str(kind.__struct_config__.tag): kind for kind in (AddSymbol, RemoveSymbol, FindSymbols, *get_args(DataCommand))
}
PATIENCE_S = 1800.0  # history comes at TWS's pace
EXIT_OK, EXIT_REFUSED, EXIT_USAGE = 0, 1, 2


class BadWords(MargindeskError):
    """What was typed is no command."""


def main(options: argparse.Namespace) -> int:
    """0 when ingest did it, 1 when it refused, 2 for words that are no command."""
    if not options.verb:
        print("\n".join(listing()))
        return EXIT_OK
    command = built(options.verb, options.words)
    reply = ask(places.active(options), command)
    if options.csv and "records" in reply.body:
        _print_csv(reply)
    else:
        print(json.dumps(printable(reply), indent=2, ensure_ascii=False))
    return EXIT_OK if reply.ok else EXIT_REFUSED


def listing() -> list[str]:
    """Every verb with what it does and what it takes."""
    lines = []
    for verb, kind in sorted(KINDS.items()):
        about = (kind.__doc__ or "").removeprefix("To ingest: ")
        lines.append(f"{verb:<24} {about}")
        taken = [f for f in msgspec.structs.fields(kind) if f.name not in ("request_id", "actor")]
        lines += [f"{'':<26}{f.name}" + ("" if f.required else f"={_default(f)}") for f in taken]
    return lines


def _default(field: Any) -> Any:
    return field.default if field.default is not msgspec.NODEFAULT else "{}"


def built(verb: str, words: list[str]) -> Any:
    """The command of `verb` with `key=value` words; BadWords says what was expected. A field that ends in _ns also
    takes a UTC time such as 2026-11-20T15:30."""
    kind = KINDS.get(verb)
    if kind is None:
        raise BadWords(f"ask: expected one of {', '.join(sorted(KINDS))}, found {verb!r}")
    taken = {field.name for field in msgspec.structs.fields(kind)} - {"request_id", "actor"}
    given: dict[str, Any] = {"verb": verb, "request_id": new_request_id(), "actor": "ask"}
    for word in words:
        key, equals, value = word.partition("=")
        if not equals or key not in taken:
            raise BadWords(f"ask {verb}: expected {', '.join(f'{name}=…' for name in sorted(taken))}; found {word!r}")
        given[key] = _moment(value) if key.endswith("_ns") else json.loads(value) if value.startswith("{") else value
    try:
        return msgspec.convert(given, kind, strict=False)
    except msgspec.ValidationError as error:
        raise BadWords(f"ask {verb}: {error}") from error


def _moment(text: str) -> Any:
    if text.lstrip("-").isdigit():
        return int(text)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise BadWords(f"expected a time such as 2026-11-20T15:30 (UTC), or UTC ns; found {text!r}") from error
    return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()) * 1_000_000_000


def ask(runtime: Any, command: Any) -> Reply:
    """Send it, wait for its one answer."""
    context: sockets.Context = zmq.Context()
    client = CommandClient(context, runtime, "ingest", SystemClock())
    try:
        return client.ask(command, timeout_s=PATIENCE_S)
    finally:
        client.close()
        sockets.terminate(context)


def printable(reply: Reply) -> dict[str, Any]:
    """The reply with its records as rows, and null for what is unknown."""
    body = {name: value for name, value in reply.body.items() if name != "records"}
    if "records" in reply.body:
        body["records"] = [dict(zip(row.dtype.names, _row(row), strict=True)) for row in _records(reply)]
    return {"ok": reply.ok, "text": reply.text, "body": _known(body)}


def _records(reply: Reply) -> Any:
    return np.frombuffer(reply.body["records"], dtype=messages.RECORD_TOPICS[reply.body["topic"].encode()])


def _row(row: Any) -> list[Any]:
    return [value.decode() if isinstance(value := row[name].item(), bytes) else value for name in row.dtype.names]


def _known(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: _known(part) for key, part in value.items()}
    return [_known(part) for part in value] if isinstance(value, list) else value


def _print_csv(reply: Reply) -> None:
    found = _records(reply)
    writer = csv.writer(sys.stdout)
    writer.writerow(found.dtype.names)
    writer.writerows([["" if part != part else part for part in _row(row)] for row in found])
