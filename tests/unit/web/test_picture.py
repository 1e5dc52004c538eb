import json
import math
import re

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from pipeline import messages
from ui.web import picture
from ui.web.layout import TABLES
from ui.web.picture import Source
from ui.web.state import ASK, BID, LiveState

NOW = 1_790_000_000_000_000_000
LIVE = {name: Source(seen=True, stale=False, silent_s=0.1) for name in ("ingest", "margin", "orders", "supervisor")}


def account_record(**values):
    record = np.zeros(1, dtype=messages.MARGIN_ACCOUNT)
    record["account"] = b"DU1"
    for name, value in values.items():
        record[name] = value
    return record[0]


def with_account(**values):
    state = LiveState()
    defaults = {
        "net_liquidation": 812_440.0,
        "excess_liquidity": 96_310.0,
        "cushion": 0.1185,
        "maintenance_margin": 716_130.0,
    }
    state.accounts["DU1"] = account_record(**{**defaults, **values})
    state.account_publish_ns["DU1"] = NOW
    return state


def draw(state, sources=LIVE, account=""):
    return picture.build(state, account, sources, NOW)


def text(drawn, key):
    return drawn.cells[key][0]


def test_an_empty_state_is_a_page_of_dashes_and_every_table_says_so():
    drawn = draw(LiveState(), {})
    assert drawn.account == ""
    assert text(drawn, "strip.excess_liquidity") == "—"
    assert text(drawn, "strip.level") == "no level"
    assert drawn.rows == {name: [] for name in TABLES}
    assert text(drawn, "link.state") == "○ offline"


def test_unknown_numbers_are_dashes_never_zero():
    drawn = draw(with_account(excess_liquidity=math.nan, cushion=math.nan, tws_maintenance_margin=math.nan))
    assert text(drawn, "strip.excess_liquidity") == "—"
    assert text(drawn, "strip.cushion") == "—"
    assert text(drawn, "margin.maintenance.tws") == "—"
    assert text(drawn, "margin.maintenance.gap") == "—"
    assert drawn.marks["cushion.mark"] == "-10%"


def test_the_model_stands_beside_tws_with_the_gap():
    drawn = draw(with_account(tws_maintenance_margin=700_000.0))
    assert text(drawn, "margin.maintenance.tws") == "700,000"
    assert text(drawn, "margin.maintenance.model") == "≈ 716,130"
    assert drawn.cells["margin.maintenance.gap"] == ("+2.30 %", "warn")


def test_a_lower_bound_says_at_least():
    drawn = draw(with_account(flags=int(messages.MarginFlag.AT_LEAST)))
    assert text(drawn, "strip.maintenance") == "≥ 716,130"


def test_each_level_has_a_word_and_an_icon():
    words = [text(draw(with_account(level=level)), "strip.level") for level in range(5)]
    assert words == ["✓ OK", "◆ CAUTION", "▲ WARN", "■ ALARM", "✖ CRITICAL"]


def test_the_worst_of_ingest_and_margin_is_what_the_header_says():
    stale = {**LIVE, "margin": Source(seen=True, stale=True, silent_s=12.0)}
    assert text(draw(with_account(), stale), "link.state") == "○ stale 12 s"
    waiting = {**stale, "ingest": Source()}
    assert text(draw(with_account(), waiting), "link.state") == "○ waiting"
    assert text(draw(with_account()), "link.state") == "● live"
    assert draw(with_account(), stale).sources["margin"] == "stale"


def test_positions_stand_by_the_margin_of_their_legs_and_a_split_leg_is_summed():
    state = with_account()
    for con_id, symbol in ((1, "AAPL"), (2, "TSLA"), (3, "ES")):
        state.instruments[con_id] = messages.Instrument(
            con_id=con_id, symbol=symbol, sec_type="STK", currency="USD", exchange="SMART", min_tick=0.01
        )
        state.positions[("DU1", con_id)] = messages.Position(
            account="DU1", con_id=con_id, quantity=10.0, average_cost=90.0
        )
    state.prices.update({(2, BID): 99.0, (2, ASK): 101.0})

    def leg(con_id, requirement):
        return messages.MarginNode(level="leg", name="", con_id=con_id, maintenance_margin=requirement)

    groups = [
        messages.MarginNode(level="group", name="", rule="covered call", children=[leg(1, 100.0), leg(2, 300.0)]),
        messages.MarginNode(level="group", name="", rule="stock long", children=[leg(1, 250.0)]),
    ]
    root = messages.MarginNode(level="account", name="DU1", children=groups)
    state.trees["DU1"] = messages.MarginTree(account="DU1", rule_set="x", newest_ns=NOW, root=root)
    drawn = draw(state)
    assert drawn.rows["positions"] == ["1", "2", "3"]
    assert text(drawn, "positions.1.margin") == "≈ 350.00"
    assert text(drawn, "positions.1.rule") == "covered call, stock long"
    assert text(drawn, "positions.2.value") == "1,000.00"
    assert drawn.cells["positions.2.unrealized"] == ("▲ +100.00", "up")
    assert text(drawn, "positions.3.margin") == "—"
    assert text(drawn, "positions.3.price") == "—"


def test_an_option_is_named_by_expiry_strike_and_right():
    state = with_account()
    state.instruments[9] = messages.Instrument(
        con_id=9,
        symbol="SPY",
        sec_type="OPT",
        currency="USD",
        exchange="SMART",
        expiry="20261219",
        strike=562.5,
        right="P",
    )
    state.positions[("DU1", 9)] = messages.Position(account="DU1", con_id=9, quantity=-1.0, average_cost=1.0)
    state.positions[("DU1", 10)] = messages.Position(account="DU1", con_id=10, quantity=-1.0, average_cost=1.0)
    drawn = draw(state)
    assert text(drawn, "positions.9.name") == "SPY 19DEC26 562.50 P"
    assert text(drawn, "positions.10.name") == "contract 10"


def test_a_difference_names_what_changed_and_only_that():
    old, new = draw(with_account()), draw(with_account(excess_liquidity=90_000.0, cushion=0.11))
    changed = picture.difference(old, new)
    assert set(changed["cells"]) == {
        "strip.excess_liquidity",
        "strip.cushion",
        "margin.excess_liquidity.model",
    }
    assert changed["rows"] == {}
    assert changed["sources"] == {}
    assert set(changed["marks"]) == {"cushion.mark"}
    assert picture.difference(new, new)["cells"] == {}


@given(st.lists(st.floats(allow_nan=True, allow_infinity=True), min_size=4, max_size=4), st.integers(0, 9))
def test_any_figures_make_a_picture_that_is_json_and_has_every_cell_of_its_rows(values, level):
    names = ("net_liquidation", "maintenance_margin", "cushion", "tws_maintenance_margin")
    drawn = draw(with_account(level=level, **dict(zip(names, values, strict=True))))
    json.dumps(picture.whole(drawn), allow_nan=False)
    for name in TABLES:
        drawn.table(name)
    assert not [cell_text for cell_text, _ in drawn.cells.values() if re.search(r"\b(nan|inf)\b", cell_text)]


def test_applying_differences_gives_the_whole():
    """What the script does: a page that started from `old` and took the difference shows `new`."""
    state = with_account()
    old = draw(state)
    state.positions[("DU1", 5)] = messages.Position(account="DU1", con_id=5, quantity=1.0, average_cost=1.0)
    state.groups[("DU1", "X")] = np.zeros(1, dtype=messages.MARGIN_GROUP)[0]
    new = draw(state)
    shown = picture.whole(old)
    for part, changes in picture.difference(old, new).items():
        shown[part] = {**shown[part], **changes} if isinstance(changes, dict) else changes
    assert shown == picture.whole(new)
