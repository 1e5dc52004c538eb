"""Small recordings in the folder layout, written by the tests that read them."""

from __future__ import annotations

import zipfile
from pathlib import Path

Lines = list[str]


def write(directory: Path, path: str, members: dict[str, Lines], end: str = "\n") -> Path:
    """One zip file of CSV members."""
    target = directory / path
    target.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, lines in members.items():
            archive.writestr(name, end.join(lines) + end if lines else "")
    return target


IBM_QUOTES = [
    "34200054,0,0,1836300,100,Q,1,0",
    "34200241,1800100,300,0,0,P,1,0",
    "34200241,1800100,300,0,0,P,1,0",
    "34201000,0,0,1836200,200,Q,1,1",
    "34202500,1810000,500,0,0,N,1,0",
]
IBM_TRADES = ["34200241,1815200,283,P,20002020,0", "34200241,1815200,283,P,20002020,0", "34202000,1816000,7,P,2000,0"]
IBM_ROWS = [  # ms after midnight, kind, price, size: quotes go before trades of the same millisecond
    (34200054, 2, 183.63, 100), (34200241, 1, 180.01, 300), (34200241, 1, 180.01, 300), (34200241, 4, 181.52, 283),
    (34200241, 4, 181.52, 283), (34201000, 2, 183.62, 200), (34202000, 4, 181.6, 7), (34202500, 1, 181.0, 500),
]  # fmt: skip
MIDNIGHT_MS = 1381118400000  # 2013-10-07 in New York, UTC


def ibm(directory: Path, day: str = "20131007") -> None:
    """A few seconds of ticks at the open, and minute bars of the same day."""
    tick = f"equity/usa/tick/ibm/{day}"
    write(directory, f"{tick}_quote.zip", {f"{day}_ibm_Quote_Tick.csv": IBM_QUOTES})
    write(directory, f"{tick}_trade.zip", {f"{day}_ibm_Trade_Tick.csv": IBM_TRADES})
    minute = f"equity/usa/minute/ibm/{day}"
    bars = ["34200000,1815200,1816000,1815200,1816000,573", "34260000,1816000,1818000,1815000,1817000,1000"]
    write(directory, f"{minute}_trade.zip", {f"{day}_ibm_minute_trade.csv": bars})
    quotes = ["34200000,1800100,1810000,1800100,1810000,500,1836300,1836300,1836200,1836200,200"]
    write(directory, f"{minute}_quote.zip", {f"{day}_ibm_minute_quote.csv": quotes})


def goog(directory: Path) -> None:
    """A stock and two of its options in minute bars, 2015-12-24; one option never has a bid."""
    day = "20151224"
    stock = ["34200000,7480000,7490000,7470000,7480000,200,7482000,7492000,7472000,7482000,100"]
    stock.append("34260000,7480000,7490000,7470000,7480000,200,7482000,7492000,7472000,7482000,100")
    write(directory, f"equity/usa/minute/goog/{day}_quote.zip", {f"{day}_goog_minute_quote.csv": stock})
    trades = ["34200000,7495500,7499900,7470000,7481000,11492", "34260000,7481000,7485000,7480000,7482000,5000"]
    write(directory, f"equity/usa/minute/goog/{day}_trade.zip", {f"{day}_goog_minute_trade.csv": trades})
    call, put = f"{day}_goog_minute_quote_american_call_7500000_20160115.csv", (
        f"{day}_goog_minute_quote_american_put_5000000_20160115.csv"
    )  # fmt: skip
    members = {
        call: ["34200000,121000,125000,120000,121000,10,127000,128000,125000,126000,20"],
        put: ["34200000,,,,,0,2000,2000,500,500,16", "34260000,,,,,0,500,500,500,500,16"],
    }
    write(directory, f"option/usa/minute/goog/{day}_quote_american.zip", members)


def es(directory: Path) -> None:
    """Two futures and an option on the first, 2020-01-06, prices in plain units."""
    day = "20200106"
    quotes = {
        f"{day}_es_minute_quote_202003.csv": ["0,3223.5,3224,3222.75,3223,20,3223.75,3224.25,3223,3223.25,20"],
        f"{day}_es_minute_quote_202006.csv": ["60000,3224.5,3225,3223.75,3224,2,3225,3226,3224.5,3224.75,3"],
    }
    write(directory, f"future/cme/minute/es/{day}_quote.zip", quotes)
    member = f"{day}_es_minute_quote_american_put_32000000_20200320.csv"
    option = {member: ["0,54.75,55,54.5,54.75,15,55.25,56,55,55.25,9"]}
    write(directory, f"futureoption/cme/minute/es/202003/{day}_quote_american.zip", option)


def spx(directory: Path) -> None:
    """An index and a European option on it, 2021-01-04."""
    day = "20210104"
    level = ["34200000,3764.61,3769.99,3764.61,3766.63,59", "34260000,3766.41,3767.22,3765.83,3766.13,60"]
    write(directory, f"index/usa/minute/spx/{day}_trade.zip", {f"{day}_spx_minute_trade.csv": level})
    option = ["34200000,5649000,5668000,5629000,5641000,115,5708000,5710000,5683000,5691000,115"]
    member = f"{day}_spx_minute_quote_european_call_32000000_20210115.csv"
    write(directory, f"indexoption/usa/minute/spx/{day}_quote_european.zip", {member: option})
