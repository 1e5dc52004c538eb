"""The kernel, the slow path and the genuine Decoder must say the same of every frame."""

from __future__ import annotations

import logging
import math
import random
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from ibapi.const import UNSET_DECIMAL, UNSET_DOUBLE

from pipeline.errors import WireError
from pipeline.messages import TickFlag
from pipeline.tws import decode, hot, slow
from pipeline.tws.lines import Lines
from pipeline.tws.plain import integer

VERSIONS = range(157, 201)
LINES = Lines()
for _request in range(1, 200):
    LINES.add(_request, 10_000 + _request, _request % 7)
OUT = decode.Output()


def run(data: bytes, lines: Lines = LINES) -> tuple[int, np.ndarray[Any, Any], np.ndarray[Any, Any], Any, int]:
    """(bytes used, ticks, options, cold rows, why) of one pass."""
    buffer = np.frombuffer(data, dtype=np.uint8).copy()
    used, cold, why = decode.run(buffer, 0, len(data), lines, 111, 222, OUT)
    ticks, options = (OUT.records[kind][: OUT.counts[kind]].copy() for kind in (decode.TICKS, decode.OPTIONS))
    return used, ticks, options, OUT.cold[:cold].copy(), why


def by_slow_path(payload: bytes) -> tuple[int, dict[str, float]] | str:
    """(request, values) of one payload, "text", or "bad"."""
    fields = slow.fields_of(payload)
    try:
        if integer(fields[0]) == 46 and len(fields) == 5 and not slow.is_number(fields[4]):
            return "text"
        request, record = slow.record(fields)
    except (WireError, IndexError):
        return "bad"
    return request, values(record[0])


def values(record: Any) -> dict[str, float]:
    skipped = ("recv_ns", "market_ns", "con_id")
    return {name: float(record[name]) for name in record.dtype.names if name not in skipped}


def same(one: Any, other: Any) -> bool:
    return repr(one) == repr(other)  # nan equals nan, −0.0 is not 0.0


NUMBERS = st.one_of(
    st.sampled_from(
        ["", "0", "-1", "-2", "1.7976931348623157E308", "1.7976931348623157e+308", "Infinity", "-Infinity",
         "2147483647", "9223372036854775807", "-9223372036854775808", "1E-4", "5.0E-4", "1e22", "1e23",
         "123456789012345", "1234567890123456", "12345678901234567890", "0.000000000000000000000001", "-0.0",
         ".5", "5.", ".", "-", "+1",
         "1_000", " 1", "nan", "1.2.3", "1e", "1e+", "0x10", "٣", "17976931348623157E292", "1e400", "-1e400", "00012"]
    ),
    st.floats(allow_nan=False, allow_infinity=False, width=64).map(repr),
    st.decimals(allow_nan=False, allow_infinity=False, places=4, min_value=-10**6, max_value=10**6).map(str),
    st.integers(-10, 10**12).map(str),
    st.text(alphabet="0123456789.-+eE", max_size=12),
)  # fmt: skip
INTEGERS = st.one_of(
    st.integers(0, 110).map(str), st.sampled_from(["", "-1", "127", "128", "999999999999", "1.5", "x", " 7", "+3"])
)
REQUESTS = st.one_of(st.integers(1, 199).map(str), st.sampled_from(["", "0", "5000", "-1", "1.0"]))


def frames_of(draw: Any) -> list[str]:
    kind = draw(st.sampled_from(["1", "2", "45", "46", "21"]))
    if kind == "1":
        parts = [INTEGERS, REQUESTS, INTEGERS, NUMBERS, NUMBERS, INTEGERS]
    elif kind == "21":
        parts = [REQUESTS, INTEGERS, INTEGERS, *[NUMBERS] * 8]
    else:
        parts = [INTEGERS, REQUESTS, INTEGERS, NUMBERS]
    fields = [kind, *(draw(part) for part in parts)]
    cut = draw(st.sampled_from([None, None, None, None, -1, "more"]))
    return fields[:-1] if cut == -1 else [*fields, "7"] if cut == "more" else fields


PAYLOADS = st.composite(frames_of)()


@given(PAYLOADS)
@example(["1", "6", "1", "1", "150.25", "300", "1"])
@example(["21", "1", "13", "0", "0.25", "0.5", "12.75", "0.0", "0.05", "0.02", "-0.01", "150.25"])
def test_kernel_says_what_the_slow_path_says(fields: list[str]) -> None:
    payload = b"".join(field.encode() + b"\0" for field in fields)
    _, ticks, options, cold, _ = run(len(payload).to_bytes(4, "big") + payload)
    slowly = by_slow_path(payload)
    assert len(ticks) + len(options) + len(cold) == 1
    if len(cold):
        return  # left to the slow path: nothing to compare
    assert isinstance(slowly, tuple), f"the kernel decoded what is {slowly}"
    record = options[0] if len(options) else ticks[0]
    assert same(values(record), slowly[1])
    assert record["con_id"] == 10_000 + slowly[0]


@pytest.mark.long
@given(st.binary(max_size=60), st.integers(0, 3))
def test_any_bytes_pass_through_the_kernel(data: bytes, kind: int) -> None:
    payload = (b"1\0", b"2\0", b"46\0", b"21\0")[kind] + data
    used, ticks, options, cold, _ = run(len(payload).to_bytes(4, "big") + payload)
    assert used == len(payload) + 4
    assert len(ticks) + len(options) + len(cold) == 1


def normal(value: Any, size: bool = False) -> float:
    """The genuine client's value with unset ones as nan; a size may be an unset integer."""
    if value is None or value == UNSET_DECIMAL:
        return math.nan
    number = float(value)
    unset = not math.isfinite(number) or abs(number) == UNSET_DOUBLE or (size and number == 2147483647)
    return math.nan if unset else number


LIVE = hot.DELAYED


def expected(calls: list[tuple[Any, ...]], fields: list[str]) -> list[tuple[Any, ...]]:
    """(type, delayed, price, size) or an option's values, from what the genuine Decoder called."""
    name, _, kind, *rest = calls[0]
    live, delayed = LIVE.get(kind, kind), kind in LIVE
    if name == "option":
        return [(live, delayed, *(normal(value) for value in rest[1:]))]
    if name == "size":
        return [(live, delayed, math.nan, normal(rest[0], size=True))]
    if name != "price":
        return [(live, delayed, normal(rest[0]), math.nan)]
    price, echo = normal(rest[0]), calls[1:]
    size = normal(echo[0][3], size=True) if echo else math.nan
    nothing = (math.isnan(size) or size == 0) if echo else fields[5] in ("0", "0.0")
    if nothing and (price == -1 or (price == 0 and bool(echo))):
        price = math.nan
    return [(live, delayed, price, size)]


@given(PAYLOADS, st.sampled_from(VERSIONS))
@example(["1", "6", "1", "1", "150.25", "300", "1"], 200)
@example(["1", "6", "1", "66", "150.25", "300", "7"], 178)
@example(["21", "1", "80", "1", "-1", "-2", "-1", "-1", "-2", "-2", "-2", "-1"], 178)
def test_records_say_what_the_genuine_decoder_says(fields: list[str], version: int) -> None:
    """Where every number is there: an empty one is 0 for the genuine client and unknown here."""
    payload = b"".join(field.encode() + b"\0" for field in fields)
    calls = _genuine(payload, version)
    slowly = by_slow_path(payload)
    if calls is None:
        assert not isinstance(slowly, tuple) or _more_tolerant(fields)
        return
    if slowly == "text" or "" in fields[2:] or not 0 <= calls[0][2] < 1 << 15:
        return
    assert isinstance(slowly, tuple), (calls, slowly)
    request, found = slowly
    assert request == calls[0][1]
    names = [name for name in found if name not in ("tick_type", "flags")]
    flags = int(found["flags"])
    got = (int(found["tick_type"]), bool(flags & TickFlag.DELAYED), *(found[name] for name in names))
    assert same([got], expected(calls, fields))
    if calls[0][0] == "price":
        assert flags & 7 == calls[0][4]


def _more_tolerant(fields: list[str]) -> bool:
    """What we take and the genuine client drops: unset or infinite spellings that its Decimal or float refuse."""
    return any(field in ("", "Infinity", "-Infinity", "nan") for field in fields)


def _genuine(payload: bytes, version: int) -> list[tuple[Any, ...]] | None:
    return GENUINE(payload, version)


GENUINE: Any = None


@pytest.fixture(autouse=True, scope="module")
def _bind_genuine() -> None:
    """Hypothesis takes no function fixtures: the genuine Decoder is bound once."""
    from ibapi.comm import read_fields
    from ibapi.decoder import Decoder

    global GENUINE
    logging.getLogger("ibapi").setLevel(logging.CRITICAL)  # it reports each message that it drops
    said = _Said()
    decoders = {version: Decoder(said, version) for version in VERSIONS}

    def ask(payload: bytes, version: int) -> list[tuple[Any, ...]] | None:
        said.calls = []
        identifier, _, rest = payload.partition(b"\0")
        try:
            decoders[version].interpret(read_fields(rest), int(identifier))
        except Exception:  # it raises whatever the bytes make it raise
            return None
        return said.calls or None

    GENUINE = ask


class _Said:
    """The wrapper of the genuine Decoder."""

    def __init__(self) -> None:
        self.calls: list[tuple[Any, ...]] = []

    def tickPrice(self, reqId: int, tickType: int, price: float, attrib: Any) -> None:
        mask = attrib.canAutoExecute | attrib.pastLimit << 1 | attrib.preOpen << 2
        self.calls.append(("price", reqId, tickType, price, mask))

    def tickSize(self, *arguments: Any) -> None:
        self.calls.append(("size", *arguments))

    def tickGeneric(self, *arguments: Any) -> None:
        self.calls.append(("generic", *arguments))

    def tickString(self, *arguments: Any) -> None:
        self.calls.append(("string", *arguments))

    def tickOptionComputation(self, *arguments: Any) -> None:
        self.calls.append(("option", *arguments))

    def error(self, *arguments: Any) -> None:
        """The genuine Decoder reports a bad message."""


@pytest.mark.parametrize("text", ["0", "1", "150.25", "0.0001", "-0.01", "1E-4", "5.0E-4", "123456789012345",
                                  "1e22", "0.1234567890123", "99999.99", "1700000000", "-0.0", "4.35", "1.005",
                                  "1e-22"])  # fmt: skip
def test_numbers_are_rounded_as_python_rounds_them(text: str, frame: Any) -> None:
    _, ticks, _, cold, _ = run(frame(45, 6, 1, 49, text))
    assert len(cold) == 0
    assert repr(float(ticks["price"][0])) == repr(float(text))


def test_a_million_random_prices_are_exact(frame: Any) -> None:
    """All that is decoded in the kernel, against float()."""
    rng = random.Random(5)
    texts = [f"{rng.uniform(-1e6, 1e6):.{rng.randrange(9)}f}" for _ in range(20_000)]
    _, ticks, _, cold, _ = run(b"".join(frame(45, 6, 1, 49, text) for text in texts))
    taken = [text for text in texts if len(text.lstrip("-0.").replace(".", "")) <= 15]
    assert len(ticks) == len(texts) - len(cold) >= len(taken)
    if not len(cold):
        assert ticks["price"].tolist() == [float(text) for text in texts]


@pytest.mark.parametrize("delayed", sorted(hot.DELAYED))
def test_delayed_types_become_live_ones_with_the_flag(delayed: int, frame: Any) -> None:
    option = 80 <= delayed <= 83
    data = frame(21, 1, delayed, 0, *["0.5"] * 8) if option else frame(45, 6, 1, delayed, "1.5")
    _, ticks, options, _, _ = run(data)
    record = (options if len(options) else ticks)[0]
    assert record["tick_type"] == hot.DELAYED[delayed]
    assert record["flags"] & TickFlag.DELAYED


def test_delayed_table_pairs_the_names_of_the_genuine_client() -> None:
    from ibapi.ticktype import TickTypeEnum

    for delayed, live in hot.DELAYED.items():
        name = TickTypeEnum.toStr(delayed).removeprefix("DELAYED_")
        assert TickTypeEnum.toStr(live) in (
            name, f"{name}_COMPUTATION", f"{name.removeprefix('YIELD_')}_YIELD", name + "_OPTION"
        )  # fmt: skip


def test_market_data_type_flags_what_follows(frame: Any) -> None:
    lines = Lines()
    lines.add(5, 77)
    for kind, flags in ((1, 0), (2, TickFlag.FROZEN), (3, TickFlag.DELAYED), (4, TickFlag.FROZEN | TickFlag.DELAYED)):
        lines.market_data_type(5, kind)
        _, ticks, _, _, _ = run(frame(1, 6, 5, 4, "1.0", "1", 0), lines)
        assert ticks["flags"][0] == flags


@pytest.mark.parametrize(
    ("price", "size", "kind", "found"),
    [("-1", "0", 1, math.nan), ("-1.0", "0", 2, math.nan), ("0", "0", 1, math.nan), ("0", "", 4, math.nan),
     ("-1", "0", 6, math.nan), ("0", "0", 9, 0.0), ("-1", "5", 1, -1.0), ("0", "5", 1, 0.0),
     ("-37.63", "5", 4, -37.63)],
)  # fmt: skip
def test_no_quote_is_unknown_and_not_a_price(price: str, size: str, kind: int, found: float, frame: Any) -> None:
    _, ticks, _, _, _ = run(frame(1, 6, 1, kind, price, size, 0))
    assert same(float(ticks["price"][0]), found)


def test_frames_cut_at_every_byte_give_the_same_records(frame: Any) -> None:
    stream = b"".join(
        (
            frame(1, 6, 1, 1, "150.25", "300", 1),
            frame(49, 1, 1700000000),
            frame(21, 2, 13, 0, "0.25", "0.5", "12.75", "0.0", "0.05", "0.02", "-0.01", "150.25"),
            frame(2, 6, 3, 8, "12.5"),
        )
    )
    _, whole, whole_options, _, _ = run(stream)
    for cut in range(len(stream) + 1):
        used, ticks, options, cold, why = run(stream[:cut])
        ticks_more = run(stream[used:])
        assert why == decode.MORE
        assert np.array_equal(np.concatenate([ticks, ticks_more[1]]), whole, equal_nan=False) or same(
            np.concatenate([ticks, ticks_more[1]]).tolist(), whole.tolist()
        )
        assert same(np.concatenate([options, ticks_more[2]]).tolist(), whole_options.tolist())
        assert len(cold) + len(ticks_more[3]) == 1


def test_cold_frames_stand_in_their_place(frame: Any) -> None:
    hot, cold = frame(2, 6, 1, 8, "5"), frame(49, 1, 1)
    _, ticks, _, rows, _ = run(cold + hot + hot + cold + hot)
    assert len(ticks) == 3
    assert rows[:, decode.BEFORE + decode.TICKS].tolist() == [0, 2]
    assert rows[:, decode.LENGTH].tolist() == [len(cold) - 4] * 2


def test_too_long_a_frame_stops_the_pass(frame: Any) -> None:
    hot = frame(2, 6, 1, 8, "5")
    used, ticks, _, _, why = run(hot + b"\x01\x00\x00\x00" + hot)
    assert (used, len(ticks), why) == (len(hot), 1, decode.TOO_LONG)


def test_full_output_is_said_and_goes_on(frame: Any) -> None:
    hot = frame(2, 6, 1, 8, "5")
    data = hot * (decode.MAX_TICKS + 5)
    used, ticks, _, _, why = run(data)
    assert (len(ticks), why) == (decode.MAX_TICKS, decode.FULL)
    _, rest, _, _, why = run(data[used:])
    assert (len(rest), why) == (5, decode.MORE)


def test_unknown_request_is_left_to_the_slow_path(frame: Any) -> None:
    _, ticks, _, cold, _ = run(frame(1, 6, 5000, 1, "1.0", "1", 0) + frame(1, 6, 0, 1, "1.0", "1", 0))
    assert (len(ticks), len(cold)) == (0, 2)


def test_lines_grow_and_forget() -> None:
    lines = Lines(4)
    lines.add(100, 7, 3)
    assert (lines.con_id(100), lines.con_id(99), lines.con_id(10**6), lines.con_id(-1)) == (7, 0, 0, 0)
    lines.clear()
    assert lines.con_id(100) == 0


@pytest.mark.parametrize(
    ("value", "number"),
    [(b"1700000000", True), (b"-1.5e-3", True), (b".5", True), (b"5.", True), (b"", False), (b"nan", False),
     (b"Infinity", False), (b"ARCA", False), (b"1;2;3", False), (b" 1", False), (b"1_0", False)],
)  # fmt: skip
def test_what_counts_as_a_number(value: bytes, number: bool) -> None:
    assert slow.is_number(value) is number
