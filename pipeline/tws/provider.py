"""Which package provides `ibapi`: exactly one may, because two overwrite each other's files silently."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from importlib import metadata

from pipeline.errors import CannotStart

_MARK = "ibapi/__init__.py,"


def check(providers: Iterable[str]) -> None:
    """CannotStart unless exactly one distribution provides `ibapi`."""
    found = sorted(set(providers))
    if not found:
        raise CannotStart("expected the package ibapi-stable, which provides ibapi; found none: run run.py again")
    if len(found) > 1:
        raise CannotStart(
            f"expected one package that provides ibapi, found {' and '.join(found)}: their files overwrite each "
            f"other; remove all of them and install ibapi-stable again"
        )


def installed() -> list[str]:
    """Names of the distributions in this environment that bring `ibapi`.

    A look into each RECORD: importlib's own packages_distributions() does the same for every package and takes a
    third of a second of each start.
    """
    out: list[str] = []
    for distribution in metadata.distributions():
        record = distribution.read_text("RECORD") or ""
        tops = (distribution.read_text("top_level.txt") or "").split()
        if "ibapi" in tops or record.startswith(_MARK) or f"\n{_MARK}" in record:
            out.append(str(distribution.metadata["Name"]))
    return out


def check_installed() -> None:
    """`check` for this environment; also quiets ibapi's loggers, which format every field at DEBUG."""
    check(installed())
    logging.getLogger("ibapi").setLevel(logging.WARNING)
