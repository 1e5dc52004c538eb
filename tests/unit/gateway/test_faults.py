"""Faults: what a scenario may say, when it is due, and what it does to frames and bytes."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import ConfigError
from pipeline.gateway.faults import filters, kinds, notices, scenario, valves
from pipeline.gateway.faults.schedule import Schedule
from pipeline.gateway.tells import frames

EXECUTION = frames.frame(11, -1, 5, *[""] * 11, "0001.01", "20261123 10:00:00 US/Eastern")
ASKED = frames.frame(11, 7, 5, *[""] * 11, "0001.01", "20261123 10:00:00 US/Eastern")
COMMISSION = frames.frame(59, 1, "0001.01", "1.00", "USD", "5.0", "", "")
TIME = frames.current_time(1_700_000_000)


def fault(line):
    return scenario.command(line)


# What may be said.


def test_a_file_and_a_line_say_the_same():
    rows = {"fault": [{"do": "stall", "client": 11, "for_s": 5, "read": False}, {"do": "1100", "at_s": 2.5}]}
    assert scenario.parse(rows) == [fault("stall client=11 for_s=5 read=false"), fault("1100 at_s=2.5")]
    assert fault('error code=2109 text="a b" id=-1').values == {"code": 2109, "text": "a b", "id": -1}


@pytest.mark.parametrize("do", kinds.KINDS)
def test_every_kind_may_be_said_alone(do):
    assert fault(do).values == kinds.KINDS[do].values


def test_every_mistake_is_told_with_its_place(tmp_path):
    path = tmp_path / "s.toml"
    path.write_text(
        '[[fault]]\ndo = "stal"\n[[fault]]\ndo = "drip"\nbytes = "x"\nfoo = 1\n[[fault]]\ndo = "close"\nfor_s = 3\n'
        '[[fault]]\ndo = "unset"\nwhere = "x"\n[[fault]]\ndo = "stall"\nat_s = -1\n'
    )
    with pytest.raises(ConfigError) as caught:
        scenario.load(path)
    told = "\n".join(caught.value.faults)
    for words in (
        "fault 1",
        "did you mean 'stall'",
        "fault 2: bytes",
        "fault 2: foo",
        "fault 3: for_s",
        "fault 4: where",
    ):
        assert words in told
    assert "fault 5: at_s" in told


@pytest.mark.parametrize("text", ["", "nonsense", "stall read", "stall 'x", "drip bytes=many", "[[fault]]"])
def test_a_line_that_is_none_is_refused(text):
    with pytest.raises(ConfigError):
        fault(text)


@given(st.text(max_size=60))
def test_any_line_is_a_fault_or_refused(text):
    with contextlib.suppress(ConfigError):
        assert fault(text).do in kinds.KINDS


# When it is due.


def test_a_fault_begins_at_its_time_and_lasts_as_long_as_told():
    schedule = Schedule([fault("stall at_s=2 for_s=3")])
    assert schedule.due(1.9) == []
    assert [one.do for one in schedule.due(2.0)] == ["stall"]
    assert schedule.over(4.9) == []
    assert len(schedule.active) == 1
    assert [one.fault.do for one in schedule.over(5.0)] == ["stall"]
    assert schedule.active == []


def test_repeats_and_their_end():
    schedule = Schedule([fault("10197 at_s=1 every_s=2 times=3")])
    hits = [t for t in range(20) for _ in schedule.due(float(t))]
    assert hits == [1, 3, 5]


def test_after_the_nth_message_of_a_client():
    schedule = Schedule([fault("close client=11 after_message=3 after_count=2")])
    said = [(12, 3), (11, 1), (11, 3), (12, 3), (11, 3), (11, 3)]
    assert [schedule.heard(client, number, 0.0) for client, number in said] == [False] * 4 + [True, False]
    assert [one.do for one in schedule.due(0.0)] == ["close"]


def test_lifting_takes_one_kind_or_all():
    schedule = Schedule([fault("stall"), fault("drip"), fault("stall client=4")])
    schedule.due(0.0)
    assert len(schedule.lift("stall", 4)) == 1
    assert [one.fault.do for one in schedule.lift("stall")] == ["stall"]
    assert [one.fault.do for one in schedule.lift()] == ["drip"]


# What it does to frames.


def test_unset_figures_read_as_the_genuine_client_reads_tws(heard):
    told = filters.Unset("pnl", "double").apply([frames.frame(94, 3, 1.5, 2.5, 3.5), TIME], 0.0)
    assert heard(178, *told).named("pnl") == [(3, *[1.7976931348623157e308] * 3)]
    assert told[1] == TIME
    (account,) = filters.Unset("account", "infinity").apply(
        [frames.frame(6, 2, "NetLiquidation", "5", "USD", "D")], 0.0
    )
    assert heard(178, account).named("updateAccountValue") == [("NetLiquidation", "Infinity", "USD", "D")]
    (word,) = filters.Unset("account", "nan").apply([frames.frame(6, 2, "AccountType", "INDIVIDUAL", "", "D")], 0.0)
    assert b"INDIVIDUAL" in word
    (report,) = filters.Unset("commission", "python").apply([COMMISSION], 0.0)
    assert heard(178, report).named("commissionAndFeesReport")[0][0].commissionAndFees > 1e308


def test_margins_are_found_after_the_status():
    order = frames.frame(5, 1, "Submitted", "PreSubmitted", *[str(n) for n in range(9)], "1.0", "2.0", "3.0", "USD")
    (told,) = filters.Unset("margins", "infinity").apply([order], 0.0)
    assert filters.fields(told)[2:] == [
        b"Submitted", b"PreSubmitted", *[b"Infinity"] * 9, b"1.0", b"2.0", b"3.0", b"USD",
    ]  # fmt: skip


def test_half_a_snapshot_has_no_end():
    rows = [frames.frame(7, 8, n) for n in range(10)]
    end = frames.frame(54, 1, "DU1")
    assert filters.HalfSnapshot(0.5, False).apply([*rows, end, TIME], 0.0)[-1] == TIME
    assert len(filters.HalfSnapshot(0.5, False).apply([*rows, end], 0.0)) == 5
    assert filters.HalfSnapshot(1.0, True).apply([*rows, end], 0.0) == [*rows, end]
    assert filters.HalfSnapshot(0.0, True).apply([*rows, end], 0.0) == [end]


def test_the_clock_is_skewed_in_seconds_and_in_milliseconds(heard):
    told = filters.Skew(-3600.0).apply([TIME, frames.current_time_ms(1_700_000_000_000)], 0.0)
    recorder = heard(200, *told)
    assert recorder.named("currentTime") == [(1_700_000_000 - 3600,)]
    assert recorder.named("currentTimeInMillis") == [(1_700_000_000_000 - 3_600_000,)]


def test_a_fill_twice_but_an_answer_once():
    assert filters.Copies(1).apply([EXECUTION, ASKED, TIME], 0.0) == [EXECUTION, EXECUTION, ASKED, TIME]


def test_commission_before_its_execution_and_never_lost():
    swap = filters.CommissionFirst()
    assert swap.apply([EXECUTION, TIME], 0.0) == [TIME]
    assert swap.apply([COMMISSION], 0.1) == [COMMISSION, EXECUTION]
    assert swap.apply([EXECUTION], 1.0) == []
    assert swap.apply([], 4.0) == [EXECUTION]
    assert swap.apply([ASKED], 5.0) == [ASKED]
    swap.apply([EXECUTION, EXECUTION], 6.0)
    assert swap.apply([COMMISSION], 6.1) == [COMMISSION, EXECUTION, EXECUTION]
    swap.apply([EXECUTION], 7.0)
    assert swap.rest() == [EXECUTION]


def test_late_frames_keep_their_order_and_the_rest_comes_when_it_is_lifted():
    late = filters.Late(filters.is_execution, 2.0)
    assert late.apply([EXECUTION, TIME, COMMISSION], 0.0) == [TIME, COMMISSION]
    assert late.apply([], 1.9) == []
    assert late.apply([TIME], 2.0) == [EXECUTION, TIME]
    late.apply([EXECUTION], 3.0)
    assert late.rest() == [EXECUTION]


def test_what_is_silent_is_market_data_alone():
    tick, other = frames.frame(1, 6, 11, 1, 5.0, 3, 1), frames.frame(1, 6, 12, 1, 5.0, 3, 1)
    assert filters.Silent(lambda req_id: req_id == 11).apply([tick, other, TIME], 0.0) == [other, TIME]


@given(st.lists(st.binary(max_size=40), max_size=8))
def test_no_filter_fails_on_any_frame(payloads):
    given_frames = [len(payload).to_bytes(4, "big") + payload for payload in payloads]
    every = [filters.CommissionFirst(), filters.Late(filters.is_execution, 1.0), filters.Skew(1.0)]
    every += [filters.Copies(1), filters.HalfSnapshot(0.5, False), filters.Silent(lambda _: True)]
    every += [filters.Unset(where, "double") for where in kinds.UNSET_WHERE]
    for one in every:
        one.apply(given_frames, 0.0)


# What it does to bytes.


def test_a_stall_lets_nothing_pass_and_a_drip_a_byte_at_a_time():
    assert valves.Stall().room(1e9) == 0
    drip = valves.Drip(1, 0.25, 0.0)
    sent = 0
    for n in range(81):
        room = drip.room(n / 32)
        drip.passed(room, n / 32)
        sent += room
    assert sent == 11


def test_a_split_sends_the_first_bytes_alone():
    split = valves.Split(6, 0.2)
    assert split.room(0.0) == 6
    split.passed(4, 0.0)
    assert split.room(0.0) == 2
    split.passed(2, 1.0)
    assert split.room(1.19) == 0
    assert split.room(1.2) > 1_000_000


def test_texts_name_their_farm():
    assert notices.text(2103, farm="eufarm") == "Market data farm connection is broken:eufarm"
    assert notices.farm_of("FOP") == "usfuture"
    assert set(kinds.KINDS) & {str(code) for code in notices.RESTORED.values()} == {"2104", "2106", "2158"}
