"""Recorded market data, whole files: nothing left out, every contract there, prices on their grid."""

import os
import zipfile
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from pipeline.gateway.replay import timeline
from pipeline.gateway.replay.folder import Folder
from pipeline.gateway.replay.recording import Files

DATA = os.environ.get("MARGINDESK_DATA", "")
pytestmark = [
    pytest.mark.data,
    pytest.mark.skipif(not DATA, reason="needs recorded market data: MARGINDESK_DATA names its folder"),
]


@pytest.fixture(scope="module")
def files() -> Files:
    return Files(Folder(Path(DATA)))


def test_a_chain_of_2192_series_is_read_whole(files):
    day = files.load(date(2015, 12, 24))
    options = [x for x in day.contracts if x.sec_type == "OPT"]
    assert len(options) == 2192
    assert {x.rule_id for x in options} == {110}
    assert len({x.con_id for x in day.contracts}) == 2193
    assert {x.symbol for x in day.contracts} == {"GOOG"}
    assert files.faults.count == 0


def test_futures_their_options_and_an_index_are_read_whole(files):
    futures = files.load(date(2020, 1, 6))
    kinds = [x.sec_type for x in futures.contracts]
    assert kinds.count("FUT") == 5
    assert kinds.count("FOP") >= 104
    assert {x.rule_id for x in futures.contracts if x.sec_type == "FUT"} == {67}
    front = min((x for x in futures.contracts if x.sec_type == "FUT"), key=lambda x: x.expiry)
    assert {x.under_con_id for x in futures.contracts if x.sec_type == "FOP"} == {front.con_id}
    index = files.load(date(2021, 1, 4))
    assert sorted(x.sec_type for x in index.contracts) == ["IND"] + ["OPT"] * 6
    assert files.faults.count == 0


def test_no_row_of_a_busy_day_of_ticks_is_lost_and_times_never_go_back(files):
    day = files.load(date(2013, 10, 7))
    lines = 0
    for path in Path(DATA).glob("equity/usa/tick/*/20131007_*.zip"):
        with zipfile.ZipFile(path) as archive:
            lines += len(archive.read(archive.namelist()[0]).split())
    ticked = [x.con_id for x in day.contracts if x.symbol in ("IBM", "BAC")]
    rows = day.rows.where(np.isin(day.rows.who, ticked))
    assert len(rows) == lines
    assert lines == 698_387
    assert (np.diff(day.rows.time_ns) >= 0).all()
    sides = [int((rows.kind == kind).sum()) for kind in (timeline.BID, timeline.ASK, timeline.LAST)]
    assert sum(sides) == lines
    cents = rows.price[rows.kind != timeline.LAST] * 100
    assert np.allclose(cents, np.round(cents), atol=1e-6)
