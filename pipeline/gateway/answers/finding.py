"""Which contracts a request for contract details means, and what TWS says when it means none. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from pipeline.gateway.asks.contracts import ContractDetails
from pipeline.gateway.asks.request import BadRequest
from pipeline.gateway.market.universe import Description, Instrument, Universe

TRADED = ("STK", "OPT", "FUT", "FOP", "IND", "CASH", "BOND")
KNOWN = {*TRADED, "CFD", "CMDTY", "CRYPTO", "FUND", "IOPT", "NEWS", "WAR", "BILL", "FIXED", "ICS"}
CONTINUOUS = ("CONTFUT", "FUT+CONTFUT")
ID_TYPES = ("ISIN", "CUSIP")
VALIDATION = "Error validating request.-'bI' : cause - "


@dataclass(frozen=True, slots=True)
class Found:
    """A contract to tell of, on which exchange, and under which security type."""

    x: Instrument
    exchange: str
    sec_type: str


def find(universe: Universe, asked: ContractDetails) -> list[Found]:
    """Every contract that is meant, in a steady order; BadRequest with TWS's text when there is none."""
    wanted = asked.contract
    _check(asked)
    found = list(_found(universe, asked))
    if not found:
        raise BadRequest(asked.req_id, 200, "No security definition has been found for the request")
    return [told for x, sec_type in found for told in _on_exchanges(x, sec_type, wanted)]


def _check(asked: ContractDetails) -> None:
    wanted = asked.contract
    if wanted.sec_type == "BAG":
        text = "'BAG' isn't supported for contract data request. Please enter a valid security type"
        raise BadRequest(asked.req_id, 321, VALIDATION + text)
    free = wanted.con_id or asked.sec_id or asked.issuer_id
    if wanted.sec_type not in KNOWN and wanted.sec_type not in CONTINUOUS and (wanted.sec_type or not free):
        raise BadRequest(asked.req_id, 321, VALIDATION + "Please enter a valid security type")
    if not (free or wanted.symbol or wanted.local_symbol):
        text = "The symbol or the local-symbol or the security id must be entered"
        raise BadRequest(asked.req_id, 321, VALIDATION + text)


def _found(universe: Universe, asked: ContractDetails) -> Iterable[tuple[Instrument, str]]:
    """Contracts with the security type to tell; of continuous futures the front month stands for the curve."""
    wanted = asked.contract
    if wanted.sec_type not in CONTINUOUS:
        for x in _plain(universe, asked, wanted):
            yield x, x.sec_type
        return
    futures = _plain(universe, asked, replace(wanted, sec_type="FUT"))
    if wanted.sec_type == "FUT+CONTFUT":
        for x in futures:
            yield x, "FUT"
    living = [x for x in futures if universe.lives(x)]
    for symbol in sorted({x.symbol for x in living}):
        yield min((x for x in living if x.symbol == symbol), key=lambda x: x.expiry), "CONTFUT"


def _plain(universe: Universe, asked: ContractDetails, wanted: Description) -> list[Instrument]:
    if asked.sec_id and not wanted.con_id:
        return [x for x in universe.living() if _has_id(x, asked) and _agrees(x, wanted)]
    if asked.issuer_id and not wanted.con_id:
        return [x for x in universe.living() if x.bond is not None and x.bond.issuer_id == asked.issuer_id]
    found = universe.find(wanted, asked.expired)
    return sorted(found, key=lambda x: (x.expiry, x.strike, x.right)) if wanted.sec_type == "FUT" else found


def _has_id(x: Instrument, asked: ContractDetails) -> bool:
    ids = {"ISIN": x.isin, "CUSIP": x.cusip}
    return asked.sec_id_type in ID_TYPES and ids[asked.sec_id_type] == asked.sec_id


def _agrees(x: Instrument, wanted: Description) -> bool:
    """What is said beside the security id must not contradict it."""
    return (
        (not wanted.sec_type or x.sec_type == wanted.sec_type)
        and (not wanted.currency or x.currency == wanted.currency)
        and (not wanted.exchange or wanted.exchange in x.valid_exchanges.split(","))
    )


def _on_exchanges(x: Instrument, sec_type: str, wanted: Description) -> list[Found]:
    """One of an option for each of its exchanges, when neither a con_id nor an exchange was said; else one."""
    if x.sec_type == "OPT" and not wanted.con_id and not wanted.exchange:
        return [Found(x, exchange, sec_type) for exchange in x.valid_exchanges.split(",")]
    return [Found(x, wanted.exchange or x.exchange, sec_type)]
