"""The margin engine: kernels ← rules ← book ← engine ← service. See docs/margin.md.

What a library user needs is imported from here; the process is `python -m pipeline.margin`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pipeline.margin.book import Book
    from pipeline.margin.engine import account_figures, recompute
    from pipeline.margin.explain import explain
    from pipeline.margin.rules.options import OptionTerms, Requirement
    from pipeline.margin.rules.pairing import Block, OptionLeg, pair
    from pipeline.margin.rules.rates import RateBook
    from pipeline.margin.whatif import what_if

__all__ = [
    "Block",
    "Book",
    "OptionLeg",
    "OptionTerms",
    "RateBook",
    "Requirement",
    "account_figures",
    "explain",
    "pair",
    "recompute",
    "what_if",
]
_HOMES = {
    "Block": "rules.pairing",
    "Book": "book",
    "OptionLeg": "rules.pairing",
    "OptionTerms": "rules.options",
    "RateBook": "rules.rates",
    "Requirement": "rules.options",
    "account_figures": "engine",
    "explain": "explain",
    "pair": "rules.pairing",
    "recompute": "engine",
    "what_if": "whatif",
}


def __getattr__(name: str) -> Any:
    """Import on first use: the process must point numba at its cache before any kernel module is imported."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
