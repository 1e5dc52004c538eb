"""Which package provides `ibapi`: exactly one may, because two overwrite each other's files silently."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from importlib import metadata

from pipeline.errors import CannotStart


def check(providers: Mapping[str, Sequence[str]]) -> None:
    """`providers` maps import names to distributions; CannotStart unless exactly one provides `ibapi`."""
    found = sorted(set(providers.get("ibapi", ())))
    if not found:
        raise CannotStart("expected the package ibapi-stable, which provides ibapi; found none: run run.py again")
    if len(found) > 1:
        raise CannotStart(
            f"expected one package that provides ibapi, found {' and '.join(found)}: their files overwrite each "
            f"other; remove all of them and install ibapi-stable again"
        )


def check_installed() -> None:
    """`check` for this environment; also quiets ibapi's loggers, which format every field at DEBUG."""
    check(metadata.packages_distributions())
    logging.getLogger("ibapi").setLevel(logging.WARNING)
