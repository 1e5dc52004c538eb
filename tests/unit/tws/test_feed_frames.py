"""Tick-by-tick data, depth and bars: the compiled pass, the plain form and the genuine Decoder say the same."""

from __future__ import annotations

import logging
import math
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from ibapi.comm import read_fields
from ibapi.const import UNSET_DECIMAL, UNSET_DOUBLE
from ibapi.decoder import Decoder
from ibapi.wrapper import EWrapper

from pipeline.errors import WireError
from pipeline.messages import TickFlag
from pipeline.tws import decode, slow
from pipeline.tws.lines import Lines

VERSIONS = range(157, 201)
LINES = Lines(8)
LINES.add(1, 77, what=2)
OUT = decode.Output()
NS = 1_000_000_000

PRICES = st.one_of(
    st.floats(-1e6, 1e6).map(repr),
    st.sampled_from(["0", "-1", "150.25", "1.7976931348623157E308", "Infinity", "1e400", "nan", "x", "", "1E-7"]),
)
SIZES = st.one_of(
    st.integers(0, 10**12).map(str), st.sampled_from(["", "2147483647", "9223372036854775807", "0.001", "-1", "x"])
)
WHOLE = st.one_of(st.integers(0, 3).map(str), st.sampled_from(["", "-1", "70000", "x", " 1"]))
TIMES = st.one_of(st.integers(0, 2_000_000_000).map(str), st.sampled_from(["", "-1", "99999999999", "1e9"]))
TEXTS = st.one_of(
    st.sampled_from(["", "ARCA", "OVERNIGHT", " T I", "TWELVELETTER", "THIRTEENCHARS", "é"]),
    st.text(alphabet="AZ 09", max_size=14),
)
KINDS = {
    "99/1": (st.just("1"), TIMES, PRICES, SIZES, WHOLE, TEXTS, TEXTS),
    "99/2": (st.just("2"), TIMES, PRICES, SIZES, WHOLE, TEXTS, TEXTS),
    "99/3": (st.just("3"), TIMES, PRICES, PRICES, SIZES, SIZES, WHOLE),
    "99/4": (st.just("4"), TIMES, PRICES),
    "12": (WHOLE, WHOLE, WHOLE, PRICES, SIZES),
    "13": (WHOLE, TEXTS, WHOLE, WHOLE, PRICES, SIZES, WHOLE),
    "50": (TIMES, PRICES, PRICES, PRICES, PRICES, SIZES, SIZES, st.one_of(WHOLE, st.just("12345"))),
}


def _frame(draw: Any) -> list[str]:
    kind = draw(st.sampled_from(sorted(KINDS)))
    fields = [draw(part) for part in KINDS[kind]]
    head = [kind.split("/")[0]] + ([] if kind.startswith("99") else ["1"]) + ["1"]
    cut = draw(st.sampled_from([None] * 6 + [-1, "more"]))
    return [*head, *(fields[:-1] if cut == -1 else [*fields, "7"] if cut == "more" else fields)]


FRAMES = st.composite(_frame)()


def payload_of(fields: list[str]) -> bytes:
    return b"".join(field.encode() + b"\0" for field in fields)


def by_kernel(payload: bytes) -> tuple[int, Any] | None:
    """(kind of record, record) or None where it is left to the plain form."""
    data = np.frombuffer(len(payload).to_bytes(4, "big") + payload, dtype=np.uint8).copy()
    used, cold, why = decode.run(data, 0, len(data), LINES, 111, 222, OUT)
    assert (used, why) == (len(data), decode.MORE)
    assert int(OUT.counts.sum()) + cold == 1
    if cold:
        return None
    kind = int(OUT.counts.argmax())
    return kind, OUT.records[kind][0].copy()


def by_plain(payload: bytes) -> tuple[int, Any] | None:
    try:
        request, record = slow.record(slow.fields_of(payload))
    except (WireError, IndexError):
        return None
    assert request == 1
    return decode.DTYPES.index(record.dtype), record[0]


def values(record: Any, *skipped: str) -> dict[str, str]:
    """Everything that a frame says of itself, in a spelling where unknown equals unknown."""
    return {name: repr(record[name].item()) for name in record.dtype.names if name not in skipped}


@given(FRAMES)
@example(["99", "1", "1", "1700000000", "150.25", "100", "3", "ARCA", " T I"])
@example(["13", "1", "1", "2", "NSDQ", "1", "0", "150.2", "100", "1"])
@example(["50", "3", "1", "1700000000", "1", "2", "0.5", "1.5", "-1", "-1", "-1"])
def test_the_kernel_says_what_the_plain_form_says(fields: list[str]) -> None:
    compiled = by_kernel(payload_of(fields))
    if compiled is None:
        return
    plain = by_plain(payload_of(fields))
    assert plain is not None, "the kernel decoded what the plain form refuses"
    skipped = ["recv_ns", "con_id", "what"] + (["market_ns"] if compiled[0] == decode.DEPTHS else [])
    assert compiled[0] == plain[0]
    assert values(compiled[1], *skipped) == values(plain[1], *skipped)
    assert (compiled[1]["recv_ns"], compiled[1]["con_id"]) == (111, 77)


class Said(EWrapper):
    """Records as the genuine Decoder would have them."""

    def __init__(self) -> None:
        super().__init__()
        self.said: dict[str, Any] | None = None

    def logAnswer(self, fnName: str, fnParams: Any) -> None: ...

    def error(self, *arguments: Any) -> None: ...

    def tickByTickAllLast(self, r: int, kind: int, t: int, p: float, s: Any, a: Any, e: str, c: str) -> None:
        mask = (TickFlag.PAST_LIMIT if a.pastLimit else 0) | (TickFlag.UNREPORTED if a.unreported else 0)
        self.said = {"tick_type": kind, "market_ns": t * NS, "price": number(p), "size": number(s),
                     "flags": int(mask), "exchange": e, "conditions": c}  # fmt: skip

    def tickByTickBidAsk(self, r: int, t: int, b: float, a: float, bs: Any, s: Any, m: Any) -> None:
        mask = (TickFlag.BID_PAST_LOW if m.bidPastLow else 0) | (TickFlag.ASK_PAST_HIGH if m.askPastHigh else 0)
        self.said = {"tick_type": 3, "market_ns": t * NS, "bid": number(b), "ask": number(a),
                     "bid_size": number(bs), "ask_size": number(s), "flags": int(mask)}  # fmt: skip

    def tickByTickMidPoint(self, r: int, t: int, p: float) -> None:
        self.said = {"tick_type": 4, "market_ns": t * NS, "price": number(p)}

    def updateMktDepth(self, r: int, position: int, operation: int, side: int, p: float, s: Any) -> None:
        self.updateMktDepthL2(r, position, "", operation, side, p, s, False)

    def updateMktDepthL2(
        self, r: int, position: int, maker: str, operation: int, side: int, p: float, s: Any, smart: bool
    ) -> None:
        self.said = {"position": position, "operation": operation, "side": side, "price": number(p),
                     "size": number(s), "market_maker": maker, "flags": int(TickFlag.SMART_DEPTH) if smart else 0,
                     }  # fmt: skip

    def realtimeBar(self, r: int, t: int, o: float, h: float, low: float, c: float, v: Any, w: Any, n: int) -> None:
        volume, wap = (math.nan if number(part) == -1 else number(part) for part in (v, w))
        self.said = {"market_ns": t * NS, "open": number(o), "high": number(h), "low": number(low),
                     "close": number(c), "volume": volume, "wap": wap, "count": n}  # fmt: skip


def number(value: Any) -> float:
    """Unset and infinite ones as nan; an unset size also as an integer's largest."""
    if value == UNSET_DECIMAL:
        return math.nan
    found = float(value)
    unset = not math.isfinite(found) or abs(found) >= UNSET_DOUBLE
    return math.nan if unset or (isinstance(value, Decimal) and found == 2147483647) else found


SAID = Said()
DECODERS = {version: Decoder(SAID, version) for version in VERSIONS}
logging.getLogger("ibapi").setLevel(logging.CRITICAL)  # it reports each message that it drops


def by_genuine(payload: bytes, version: int) -> dict[str, Any] | None:
    SAID.said = None
    identifier, _, rest = payload.partition(b"\0")
    try:
        DECODERS[version].interpret(read_fields(rest), int(identifier))
    except Exception:  # it raises whatever the bytes make it raise
        return None
    return SAID.said


@given(FRAMES, st.sampled_from(VERSIONS))
@example(["99", "1", "3", "1700000000", "150.25", "150.5", "100", "2147483647", "2"], 157)
@example(["12", "1", "1", "0", "2", "1", "0", "0"], 200)
def test_records_say_what_the_genuine_decoder_says(fields: list[str], version: int) -> None:
    """But for empty numbers (0 for the genuine client, unknown or refused here) and texts that are no ASCII."""
    payload = payload_of(fields)
    said, found = by_genuine(payload, version), by_plain(payload)
    if said is None:
        assert found is None or "" in fields or "Infinity" in fields or "nan" in fields
        return
    if "" in fields or "é" in fields:
        return
    in_range = all(0 <= said[name] < top for name, top in (("position", 1 << 15), ("operation", 3), ("side", 2))
                   if name in said)  # fmt: skip
    in_range &= 0 <= said.get("market_ns", 0) <= 9_000_000_000 * NS
    if not in_range:
        assert found is None
        return
    assert found is not None, said
    for name, value in said.items():
        held = found[1][name].item()
        if isinstance(value, str):
            assert held.decode() == value[: found[1].dtype[name].itemsize].rstrip("\0"), name
        else:
            assert repr(float(held)) == repr(float(value)), name


@pytest.mark.parametrize("fields", [
    ["99", "1", "1", "1700000000", "150.25", "100", "0", "OVERNIGHT", "  T"],
    ["99", "1", "3", "1700000000", "150.25", "150.5", "100", "200", "1"],
    ["99", "1", "4", "1700000000", "150.375"],
    ["12", "1", "1", "0", "0", "1", "150.2", "100"],
    ["13", "1", "1", "9", "ARCA", "1", "0", "150.2", "100", "1"],
    ["50", "3", "1", "1700000000", "1", "2", "0.5", "1.5", "1000", "1.25", "7"],
])  # fmt: skip
def test_what_tws_sends_is_never_left_to_the_plain_form(fields: list[str]) -> None:
    assert by_kernel(payload_of(fields)) is not None
    assert LINES.seen_ns[1] == 111


def test_a_bar_carries_what_its_line_asked_for() -> None:
    found = by_kernel(payload_of(["50", "3", "1", "1700000000", "1", "2", "0.5", "1.5", "10", "1.25", "7"]))
    assert found is not None
    assert (int(found[1]["what"]), int(found[1]["seconds"]), int(found[1]["market_ns"])) == (2, 5, 1700000000 * NS)
