import math
from datetime import date
from itertools import pairwise

import pytest

from pipeline import config
from pipeline.errors import CannotStart
from pipeline.gateway.asks.orders import PlaceOrder
from pipeline.gateway.market.instruments import Description
from pipeline.gateway.market.sessions import Phase
from pipeline.gateway.replay import flow, implied, opening
from pipeline.gateway.replay.flow import Playing
from pipeline.gateway.session import Session
from tests.unit.gateway import recordings

MS = 1_000_000
IBM = 8314


class Player:
    """A replay and its clients, moved by hand."""

    def __init__(self, directory, **settings) -> None:
        self.settings = config.Gateway(replay=str(directory), **settings)
        self.brokerage = opening.brokerage(self.settings, None)
        self.matches = 0
        self.lines = Playing(self.brokerage, self.settings, self._matched)
        self.market, self.tape, self.universe = self.brokerage.market, self.brokerage.tape, self.brokerage.universe

    def _matched(self) -> None:
        self.matches += 1
        self.brokerage.match()

    def client(self, *con_ids: int, sv: int = 200) -> Session:
        session = Session("test", self.settings.limits)
        session.sv = sv
        for n, con_id in enumerate(con_ids):
            self.lines.add(session, n + 1, self.universe.by_con_id[con_id])
        return session

    def play(self) -> None:
        for _ in range(1000):
            self.lines.flow(0.25)
            if self.lines.over:
                return


def heard(session: Session) -> list[list[str]]:
    """Fields of every frame that waits for the client; they count as read."""
    session.seal(0.0)
    data = b"".join(bytes(batch.data) for batch in session.queue)
    session.queue.clear()
    session.queued_bytes = 0
    found = []
    while data:
        length = int.from_bytes(data[:4], "big")
        found.append(data[4 : 4 + length].decode().split("\0")[:-1])
        data = data[4 + length :]
    return found


def rows(frames: list[list[str]], req_id: int = 1) -> list[tuple[int, float, int]]:
    """Kind, price, size of the ticks of bid, ask and trade."""
    ticks = [f for f in frames if f[0] == "1" and f[2] == str(req_id) and f[3] in ("1", "2", "4")]
    return [(int(f[3]), float(f[4]), int(f[5])) for f in ticks]


EXPECTED = [row[1:] for row in recordings.IBM_ROWS]


@pytest.mark.parametrize("speed", [1.0, 7.3, 1000.0, math.inf])
def test_each_row_is_one_tick_to_each_subscriber(tmp_path, speed):
    recordings.ibm(tmp_path)
    player = Player(tmp_path, replay_speed=speed)
    one, other = player.client(IBM), player.client(IBM)
    player.play()
    assert rows(heard(one)) == rows(heard(other)) == EXPECTED


def test_rows_come_at_their_time(tmp_path):
    recordings.ibm(tmp_path)
    player = Player(tmp_path, replay_speed=2.0)
    client = player.client(IBM)
    player.lines.flow(0.0)
    assert rows(heard(client)) == EXPECTED[:1]
    player.lines.flow(0.09)
    assert rows(heard(client)) == []
    player.lines.flow(0.01)
    assert rows(heard(client)) == EXPECTED[1:5]
    assert player.market.now_ns // MS == recordings.MIDNIGHT_MS + 34200241


def test_nothing_plays_before_as_many_lines_as_were_asked_for(tmp_path):
    recordings.ibm(tmp_path)
    player = Player(tmp_path, replay_speed=math.inf, replay_wait=2)
    one = player.client(IBM)
    player.play()
    assert heard(one) == []
    other = player.client(IBM)
    player.play()
    assert rows(heard(one)) == rows(heard(other)) == EXPECTED


def test_without_waiting_it_begins_at_once(tmp_path):
    recordings.ibm(tmp_path)
    player = Player(tmp_path, replay_speed=math.inf, replay_wait=0)
    player.play()
    late = player.client(IBM)
    player.lines.picture(late, 1, player.universe.by_con_id[IBM])
    assert rows(heard(late)) == [(1, 181.0, 500), (2, 183.62, 200), (4, 181.6, 7)]


def test_the_first_picture_tells_no_price_before_the_first_row(tmp_path):
    recordings.ibm(tmp_path)
    player = Player(tmp_path)
    client = player.client(IBM)
    player.lines.picture(client, 1, player.universe.by_con_id[IBM])
    assert rows(heard(client)) == []


def test_what_follows_a_trade_disturbs_no_row(tmp_path):
    recordings.ibm(tmp_path)
    player = Player(tmp_path, replay_speed=math.inf)
    client = player.client(IBM)
    player.play()
    frames = heard(client)
    assert [f[4] for f in frames if f[0] == "2" and f[3] == "8"] == ["283", "566", "573"]
    assert [float(f[4]) for f in frames if f[0] == "1" and f[3] == "6"] == [181.52, 181.6]
    assert {f[3] for f in frames if f[0] == "46"} == {"45"}
    assert len(rows(frames)) == len(EXPECTED)


def test_the_time_is_announced_before_each_new_millisecond(tmp_path):
    recordings.ibm(tmp_path)
    player = Player(tmp_path, replay_speed=math.inf, replay_announce=True)
    client, old = player.client(IBM), player.client(IBM, sv=196)
    player.play()
    timed, now = [], 0
    for frame in heard(client):
        if frame[0] == "109":
            assert int(frame[1]) > now
            now = int(frame[1])
        elif frame[0] == "1" and frame[3] in ("1", "2", "4"):
            timed.append((now - recordings.MIDNIGHT_MS, int(frame[3]), float(frame[4]), int(frame[5])))
    assert timed == recordings.IBM_ROWS
    assert all(frame[0] != "109" for frame in heard(old))


def test_a_client_that_does_not_read_holds_the_replay_up_and_loses_nothing(tmp_path):
    lines = [f"{34200000 + n},0,0,{1836300 + n},100,Q,1,0" for n in range(60_000)]
    path = "equity/usa/tick/ibm/20131007_quote.zip"
    recordings.write(tmp_path, path, {"20131007_ibm_Quote_Tick.csv": lines})
    player = Player(tmp_path, replay_speed=math.inf)
    slow = player.client(IBM)
    for _ in range(100):
        player.lines.flow(0.005)
        slow.seal(0.0)
    waiting = player.lines.played
    assert player.lines.held_up
    assert waiting < 60_000
    assert slow.queued_bytes < 2 * flow.WAITING_BYTES
    found = []
    while not player.lines.over:
        found += rows(heard(slow))
        player.lines.flow(0.005)
    found += rows(heard(slow))
    assert [price for _, price, _ in found] == [(1836300 + n) / 10_000 for n in range(60_000)]


def test_a_stall_is_not_made_up_for(tmp_path):
    recordings.ibm(tmp_path)
    player = Player(tmp_path)
    client = player.client(IBM)
    player.lines.flow(3600.0)
    assert rows(heard(client)) == EXPECTED[:5]  # a quarter of a second


def test_rows_that_are_left_out_are_named_in_the_log(tmp_path, caplog):
    recordings.ibm(tmp_path)
    path = "equity/usa/tick/ibm/20131008_trade.zip"
    recordings.write(tmp_path, path, {"20131008_ibm_Trade_Tick.csv": [*recordings.IBM_TRADES, "34300000,0,5,P,2000,0"]})
    player = Player(tmp_path, replay_speed=math.inf)
    client = player.client(IBM)
    assert not caplog.records
    player.play()
    named = f"{path}!20131008_ibm_Trade_Tick.csv:4: expected a price above 0"
    (record,) = caplog.records
    assert (record.getMessage(), record.facts) == ("replay_rows_left_out", {"rows": 1, "first": [named]})
    assert len(rows(heard(client))) == len(EXPECTED) + len(recordings.IBM_TRADES)


def test_days_follow_each_other_and_the_close_is_the_day_before(tmp_path):
    recordings.ibm(tmp_path)
    recordings.ibm(tmp_path, "20131008")
    player = Player(tmp_path, replay_speed=math.inf)
    client = player.client(IBM)
    player.play()
    assert rows(heard(client)) == EXPECTED * 2
    assert player.universe.day == date(2013, 10, 8)
    x = player.universe.by_con_id[IBM]
    assert player.market.closing(x) == pytest.approx((181.0 + 183.62) / 2)
    assert player.tape.quote(x).volume == 573
    player.lines.flow(1.0)
    assert player.lines.over


def test_a_long_quiet_is_left_out(tmp_path):
    lines = ["34200000,0,0,1836300,100,Q,1,0", "57600000,0,0,1836400,100,Q,1,0"]
    recordings.write(tmp_path, "equity/usa/tick/ibm/20131007_quote.zip", {"20131007_ibm_Quote_Tick.csv": lines})
    player = Player(tmp_path, replay_speed=100.0, replay_pause=10.0)
    client = player.client(IBM)
    player.lines.flow(0.09)
    player.lines.flow(0.02)
    assert len(rows(heard(client))) == 2
    assert player.market.now_ns // MS == recordings.MIDNIGHT_MS + 57600000


def test_orders_fill_against_the_recorded_quotes(tmp_path):
    recordings.ibm(tmp_path)
    player = Player(tmp_path)
    player.client(IBM)
    x = player.universe.by_con_id[IBM]
    player.lines.flow(0.0)
    assert player.tape.now(x) == (-1.0, 183.63)
    account = player.brokerage.accounts["DU1234501"]
    cash = account.cash
    wanted = Description(IBM, exchange="SMART")
    player.brokerage.place(1, PlaceOrder(1, wanted, "BUY", 50, "LMT", 183.62, account="DU1234501"))
    player.brokerage.match()
    assert not player.brokerage.fills
    player.play()
    (fill,) = player.brokerage.fills
    assert (fill.price, fill.quantity) == (183.62, 50)
    assert fill.time_ns // MS == recordings.MIDNIGHT_MS + 34201000
    assert player.matches == 5  # quotes and trades of the contract until nothing rests any more
    assert account.positions[IBM].quantity == 50
    assert float(cash) == 1_000_000.0


def test_an_option_has_a_volatility_that_gives_its_price_back(tmp_path):
    recordings.goog(tmp_path)
    player = Player(tmp_path, replay_speed=math.inf, replay_wait=0)
    player.play()
    call = next(x for x in player.universe.by_con_id.values() if x.right == "C")
    theory = player.market.theory(call)
    assert theory.under == pytest.approx(748.1)
    assert theory.mid == pytest.approx(12.35)
    assert 0.15 < theory.iv < 0.35
    years = (1452891600 - player.market.now_ns / 1e9) / (365 * 86400)
    terms = implied.Terms(theory.under, 750.0, years, 0.0, 0.0, True)
    assert implied.price(terms, theory.iv) == pytest.approx(12.35, abs=0.01)
    put = next(x for x in player.universe.by_con_id.values() if x.right == "P")
    assert player.market.theory(put).mid == pytest.approx(0.025)


def test_computations_follow_the_quotes_of_an_option(tmp_path):
    recordings.goog(tmp_path)
    player = Player(tmp_path, replay_speed=math.inf)
    call = next(x for x in player.universe.by_con_id.values() if x.right == "C")
    client = player.client(call.con_id)
    player.play()
    frames = heard(client)
    assert [f[2] for f in frames if f[0] == "21"] == ["10", "11", "13"]
    assert rows(frames) == [(1, 12.1, 10), (2, 12.6, 20)]


def test_the_market_is_open_by_the_calendar_of_the_recording(tmp_path):
    recordings.ibm(tmp_path)
    player = Player(tmp_path)
    x = player.universe.by_con_id[IBM]
    assert player.market.phase(x) is Phase.OPEN
    player.market.played_ns += 14 * 3600 * 1_000_000_000  # 23:30: the calendar says closed
    assert player.market.phase(x) is Phase.POST
    assert player.market.halted(x) == 0
    assert player.market.fx("USD") == 1.0
    with pytest.raises(KeyError):
        player.market.fx("EUR")


def test_accounts_open_with_cash_alone(tmp_path):
    recordings.ibm(tmp_path)
    player = Player(tmp_path)
    for account in player.brokerage.accounts.values():
        figures = player.brokerage.bank.figures(account)
        assert float(figures.net) == opening.CASH
        assert not account.positions


def test_listeners_hear_of_trades_and_quotes(tmp_path):
    recordings.ibm(tmp_path)
    player = Player(tmp_path, replay_speed=math.inf, replay_wait=0)
    traded, quoted = [], []
    player.tape.trades.append(lambda x, price, size, ns: traded.append((x.symbol, price, size, ns // MS)))
    player.tape.quotes_changed.append(lambda x, quote, ns: quoted.append((quote.bid, quote.ask, ns // MS)))
    player.play()
    assert [row[1:3] for row in traded] == [(181.52, 283), (181.52, 283), (181.6, 7)]
    assert len(quoted) == len(recordings.IBM_QUOTES)
    assert all(a[2] <= b[2] for a, b in pairwise(quoted))


def test_interest_is_that_of_the_day(tmp_path):
    path = tmp_path / "rate.csv"
    path.write_text("DATE,PCREDIT8\n2003-01-09,2.25\n2003-06-26,2.00\n")
    rate = opening.interest(path)
    assert [rate(date(2003, 1, 8)), rate(date(2003, 6, 25)), rate(date(2020, 1, 1))] == [0.0, 0.0225, 0.02]
    assert opening.interest(tmp_path / "none.csv")(date(2020, 1, 1)) == 0.0
    path.write_text("DATE,PCREDIT8\n2003-01-09;2.25\n")
    with pytest.raises(CannotStart, match="expected a date and a number"):
        opening.interest(path)


def test_a_replay_of_nothing_cannot_start(tmp_path):
    settings = config.Gateway(replay=str(tmp_path))
    with pytest.raises(CannotStart, match="expected recorded ticks or bars, found none"):
        opening.brokerage(settings, None)
    recordings.ibm(tmp_path)
    with pytest.raises(CannotStart, match="of 2020-01-01 or later"):
        opening.brokerage(settings, date(2020, 1, 1))
    with pytest.raises(CannotStart, match="expected a directory"):
        opening.brokerage(config.Gateway(replay=str(tmp_path / "none")), None)
