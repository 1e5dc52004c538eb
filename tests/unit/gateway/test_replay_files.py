import zipfile
from datetime import date

import numpy as np
import pytest

from pipeline.errors import CannotStart
from pipeline.gateway.market.instruments import Description
from pipeline.gateway.market.universe import Universe
from pipeline.gateway.replay import contracts, layout, rows, timeline
from pipeline.gateway.replay.fields import Faults
from pipeline.gateway.replay.folder import Folder
from pipeline.gateway.replay.recording import Files
from tests.unit.gateway import recordings

MS = 1_000_000


def load(directory, day: date):
    files = Files(Folder(directory))
    return files, files.load(day)


def listed(day) -> Universe:
    universe = Universe(day.day)
    for x in day.contracts:
        universe.add(x)
    return universe


def of(day, con_id: int, *kinds: int) -> list[tuple[int, int, float, float]]:
    rows = day.rows
    good = (rows.who == con_id) & np.isin(rows.kind, kinds or (1, 2, 4))
    columns = (rows.time_ns[good] // MS, rows.kind[good], rows.price[good], rows.size[good])
    return list(zip(*(column.tolist() for column in columns), strict=True))


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("equity/usa/tick/ibm/20131007_quote.zip", ("STK", "IBM", 0, "quote", True, "")),
        ("equity/usa/minute/spy/20131007_trade.zip", ("STK", "SPY", 60, "trade", True, "")),
        ("option/usa/minute/goog/20151224_quote_american.zip", ("OPT", "GOOG", 60, "quote", True, "")),
        ("indexoption/usa/minute/spx/20210104_trade_european.zip", ("OPT", "SPX", 60, "trade", False, "")),
        ("futureoption/cme/minute/es/202003/20200106_quote_american.zip", ("FOP", "ES", 60, "quote", True, "202003")),
        ("equity/usa/second/ibm/20131007_quote.zip", ("STK", "IBM", 1, "quote", True, "")),
    ],
)
def test_a_path_says_what_the_file_holds(path, expected):
    found = layout.source(path)
    assert found is not None
    assert (found.sec_type, found.symbol, found.bar_s, found.what, found.american, found.under_month) == expected


@pytest.mark.parametrize(
    "path",
    [
        "future/cme/margins/ES.csv", "equity/usa/daily/ibm.zip", "equity/usa/minute/ibm/20131332_quote.zip",
        "equity/usa/minute/ibm/20131007_openinterest.zip", "crypto/x/tick/btc/20131007_quote.zip", "20131007_quote.zip",
        "futureoption/cme/minute/es/20200106_quote_american.zip", "option/usa/tick/goog/20151224_quote_american.zip",
    ],
)  # fmt: skip
def test_other_files_are_no_recordings(path):
    assert layout.source(path) is None


def test_every_tick_is_one_row_in_file_order_equal_and_suspicious_ones_too(tmp_path):
    recordings.ibm(tmp_path)
    files, day = load(tmp_path, date(2013, 10, 7))
    midnight = recordings.MIDNIGHT_MS
    assert of(day, 8314) == [(midnight + ms, *rest) for ms, *rest in recordings.IBM_ROWS]
    assert files.faults.count == 0
    assert set(day.rows.place.tolist()) == {0}


def test_bars_of_what_there_are_ticks_of_make_no_rows(tmp_path):
    recordings.ibm(tmp_path)
    _, day = load(tmp_path, date(2013, 10, 7))
    assert len(day.rows) == len(recordings.IBM_ROWS)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("34200241,0,0,0,0,P,1,0", "a price on one side, 0 on the other"),
        ("34200241,1,1,2,2,P,1,0", "a price on one side, 0 on the other"),
        ("86400000,0,0,1,1,P,1,0", "a time of the day in ms"),
        ("34200053,0,0,1,1,P,1,0", "times that never go back"),
        ("34200241,0,0,1,1,P,1", "8 fields, found 7"),
    ],
)
def test_a_quote_that_is_none_is_a_fault(tmp_path, line, expected):
    lines = [recordings.IBM_QUOTES[0], line]
    path = "equity/usa/tick/ibm/20131007_quote.zip"
    recordings.write(tmp_path, path, {"20131007_ibm_Quote_Tick.csv": lines})
    files, day = load(tmp_path, date(2013, 10, 7))
    assert len(day.rows) == 1
    assert files.faults.named == [f"{path}!20131007_ibm_Quote_Tick.csv:2: expected {expected}"]


def test_quote_bars_are_bid_and_ask_at_the_end_of_the_minute(tmp_path):
    recordings.goog(tmp_path)
    _, day = load(tmp_path, date(2015, 12, 24))
    end = 1450967460000  # 09:31 in New York
    assert of(day, 208813720, 1, 2) == [(end, 1, 748.0, 200), (end, 2, 748.2, 100)]  # the second bar changes nothing
    assert of(day, 208813720, 4) == [(end, 4, 748.1, 11492), (end + 60_000, 4, 748.2, 5000)]
    assert of(day, 208813720, 6, 7, 14) == [(end, 14, 749.55, 0), (end, 6, 749.99, 0), (end, 7, 747.0, 0)]


def test_an_option_without_a_bid_says_so_once(tmp_path):
    recordings.goog(tmp_path)
    _, day = load(tmp_path, date(2015, 12, 24))
    (put,) = [x for x in day.contracts if x.right == "P"]
    end = 1450967460000
    assert of(day, put.con_id) == [(end, 1, -1.0, 0), (end, 2, 0.05, 16)]
    assert (put.strike, put.expiry, put.multiplier, put.under_con_id) == (500.0, "20160115", 100, 208813720)
    assert put.local_symbol == "GOOG  160115P00500000"


def test_futures_are_in_plain_units_and_chicago_time(tmp_path):
    recordings.es(tmp_path)
    _, day = load(tmp_path, date(2020, 1, 6))
    front, second = sorted((x for x in day.contracts if x.sec_type == "FUT"), key=lambda x: x.expiry)
    assert of(day, front.con_id)[0] == (1578290460000, 1, 3223.0, 20)  # 2020-01-06 06:01 UTC
    assert (front.expiry, front.local_symbol, front.multiplier, front.exchange) == ("20200320", "ESH0", 50, "CME")
    assert second.local_symbol == "ESM0"
    (option,) = [x for x in day.contracts if x.sec_type == "FOP"]
    assert (option.strike, option.right, option.under_con_id, option.american) == (3200.0, "P", front.con_id, True)
    assert (option.local_symbol, option.trading_class, option.multiplier) == ("ESH0 P3200", "ES", 50)


def test_an_index_has_levels_and_european_options(tmp_path):
    recordings.spx(tmp_path)
    _, day = load(tmp_path, date(2021, 1, 4))
    assert of(day, 416904) == [(1609770660000, 4, 3766.63, 0), (1609770720000, 4, 3766.13, 0)]
    (option,) = [x for x in day.contracts if x.sec_type == "OPT"]
    assert (option.under_con_id, option.american, option.exchange, option.symbol) == (416904, False, "CBOE", "SPX")


def test_contracts_are_found_as_any_other(tmp_path):
    recordings.goog(tmp_path)
    _, day = load(tmp_path, date(2015, 12, 24))
    universe = listed(day)
    wanted = Description(symbol="GOOG", sec_type="OPT", expiry="20160115", strike=750.0, right="C", exchange="SMART")
    (call,) = universe.find(wanted)
    assert of(day, call.con_id)[0][2:] == (12.1, 10)
    assert [x.right for x in universe.options("GOOG")] == ["P", "C"]
    assert [x.con_id for x in universe.find(Description(symbol="GOOG", sec_type="STK"))] == [208813720]


def test_an_option_without_a_file_of_its_underlying_still_has_one(tmp_path):
    recordings.goog(tmp_path)
    for path in (tmp_path / "equity").rglob("*.zip"):
        path.unlink()
    _, day = load(tmp_path, date(2015, 12, 24))
    assert listed(day).stock("GOOG").con_id == 208813720


@pytest.mark.parametrize(
    ("sec_type", "prices", "expected"),
    [
        ("STK", [100.01, 5.0], 26), ("STK", [0.0001], 2700), ("OPT", [0.05, 2.95, 3.1, 10.0], 110),
        ("OPT", [0.01, 2.99, 3.05], 109), ("OPT", [3.01], 26), ("FUT", [3223.25], 67), ("FUT", [61.05], 32),
        ("FOP", [0.05, 4.95, 5.25], 2701), ("FOP", [9.95, 10.25], 111), ("STK", [], 26),
    ],
)  # fmt: skip
def test_the_coarsest_rule_that_all_prices_keep_to(sec_type, prices, expected):
    assert contracts.rule(sec_type, np.array(prices)) == expected


def test_computed_contract_ids_differ_and_stay_the_same(tmp_path):
    recordings.es(tmp_path)
    first, again = (Files(Folder(tmp_path)).load(date(2020, 1, 6)) for _ in range(2))
    numbers = [x.con_id for x in first.contracts]
    assert numbers == [x.con_id for x in again.contracts]
    assert len(set(numbers)) == len(numbers)


def test_the_hour_that_clocks_skip_and_the_one_they_repeat(tmp_path):
    path = "future/cme/minute/es/20191103_quote.zip"  # clocks go back at 02:00, the market opens at 17:00
    member = {"20191103_es_minute_quote_201912.csv": [f"{17 * 3_600_000},1,1,1,1,1,2,2,2,2,1"]}
    recordings.write(tmp_path, path, member)
    _, day = load(tmp_path, date(2019, 11, 3))
    assert day.rows.time_ns[0] == 1572822060 * 1_000_000_000  # 17:01 in winter time


def test_a_zip_that_is_none_cannot_be_replayed(tmp_path):
    path = tmp_path / "equity/usa/tick/ibm/20131007_quote.zip"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"no zip")
    with pytest.raises(CannotStart, match="expected a zip file"):
        load(tmp_path, date(2013, 10, 7))


def test_a_damaged_member_is_a_fault(tmp_path):
    recordings.ibm(tmp_path)
    path = tmp_path / "equity/usa/tick/ibm/20131007_trade.zip"
    with zipfile.ZipFile(path) as archive:
        begin = archive.infolist()[0].header_offset
    data = bytearray(path.read_bytes())
    data[begin + 60] ^= 0xFF
    path.write_bytes(data)
    files, _ = load(tmp_path, date(2013, 10, 7))
    assert files.faults.count >= 1
    assert "20131007_trade.zip" in files.faults.named[0]


def test_a_quiet_time_is_shortened_and_the_order_stays():
    seconds = np.array([0, 1, 100, 101, 1000], np.int64) * timeline.NS
    left = seconds - timeline.shorten(seconds, 10.0)
    assert (left // timeline.NS).tolist() == [0, 1, 11, 12, 22]
    assert timeline.shorten(seconds, float("inf")).tolist() == [0] * 5


def test_trade_bars_that_contradict_themselves_are_faults():
    of_bar = layout.source("equity/usa/minute/ibm/20131007_trade.zip")
    faults = Faults()
    found = rows.trades(of_bar, [("t", b"0,10,9,8,9,1\n1,10,10,10,10,1\n")], faults)
    assert found.close.tolist() == [0.001]
    assert faults.named == ["t:1: expected low ≤ open, close ≤ high"]
