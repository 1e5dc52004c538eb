"""Frames of the market scanner: its parameters, its results. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from xml.sax.saxutils import escape

from pipeline.gateway.market.instruments import Instrument
from pipeline.gateway.market.scans import CODES, FILTERS, INSTRUMENTS, LOCATIONS
from pipeline.gateway.tells.frames import Value, frame


def scanner_data(req_id: int, found: Sequence[Instrument]) -> bytes:
    """The contracts in the order of their ranks."""
    fields: list[Value] = [20, 3, req_id, len(found)]
    for rank, x in enumerate(found):
        fields += [rank, x.con_id, x.symbol, x.sec_type, x.expiry, x.strike, x.right, x.exchange, x.currency]
        fields += [x.local_symbol, x.trading_class, x.trading_class, "", "", "", ""]
    return frame(*fields)


def scanner_parameters() -> bytes:
    return frame(19, 1, PARAMETERS)


def _element(name: str, *inner: str) -> str:
    return f"<{name}>{''.join(inner)}</{name}>"


def _text(name: str, text: str) -> str:
    return _element(name, escape(text))


def _parameters() -> str:
    kinds = ",".join(INSTRUMENTS)
    instruments = [
        _element("Instrument", _text("name", name), _text("type", kind)) for kind, name in INSTRUMENTS.items()
    ]
    locations = [
        _element("Location", _text("displayName", name), _text("locationCode", code), _text("instruments", kinds))
        for code, name in LOCATIONS.items()
    ]
    scans = [
        _element("ScanType", _text("displayName", name), _text("scanCode", code), _text("instruments", kinds))
        for code, name in CODES.items()
    ]
    filters = [
        _element(
            "RangeFilter", _text("id", tag), _element("AbstractField", _text("code", tag), _text("displayName", name))
        )
        for tag, name in FILTERS.items()
    ]
    return '<?xml version="1.0" encoding="UTF-8"?>' + _element(
        "ScanParameterResponse",
        _element("InstrumentList", *instruments),
        _element("LocationTree", *locations),
        _element("ScanTypeList", *scans),
        _element("FilterList", *filters),
    )


PARAMETERS = _parameters()
