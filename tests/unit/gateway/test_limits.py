from pipeline.gateway.limits import Pace, Pacing


def test_a_calm_client_is_never_told_anything():
    pacing = Pacing(50)
    assert {pacing.message(n * 0.025) for n in range(400)} == {Pace.FINE}


def test_warning_then_error_then_the_end():
    pacing = Pacing(50)
    said = [pacing.message(n * 0.001) for n in range(201)]
    assert said.index(Pace.WARN) == 43
    assert said.index(Pace.OVER) == 50
    assert said.count(Pace.WARN) == said.count(Pace.OVER) == 1
    assert said[199] is Pace.STILL_OVER
    assert said[200] is Pace.CLOSE


def test_going_on_for_a_second_ends_it_too():
    pacing = Pacing(50)
    said = [pacing.message(n * 0.015) for n in range(200)]
    assert said[-1] is Pace.CLOSE


def test_a_pause_forgives():
    pacing = Pacing(50)
    for n in range(60):
        pacing.message(n * 0.001)
    assert pacing.message(5.0) is Pace.FINE
    assert pacing.count == 1
