import math

from ui.web import chart

S = 1_000_000_000


def test_fewer_than_two_points_draw_nothing():
    assert chart.line([]) == chart.line([(S, 1.0)]) == ""
    assert chart.labels([])["low"] == ""


def test_the_newest_point_is_at_the_right_edge_and_the_highest_on_top():
    places = [
        tuple(map(float, part.split()))
        for part in chart.line([(0, 5.0), (450 * S, 9.0), (900 * S, 1.0)])[1:].split("L")
    ]
    assert [x for x, _ in places] == [0.0, 50.0, 100.0]
    assert places[1][1] < places[0][1] < places[2][1]
    assert all(0 <= y <= chart.HEIGHT for _, y in places)


def test_a_flat_line_stands_in_the_middle():
    places = [float(part.split()[1]) for part in chart.line([(0, 7.0), (S, 7.0)])[1:].split("L")]
    assert all(math.isclose(y, chart.HEIGHT / 2) for y in places)


def test_a_young_line_keeps_to_the_right():
    assert chart.line([(0, 1.0), (30 * S, 2.0)]).startswith("M50.0 ")
