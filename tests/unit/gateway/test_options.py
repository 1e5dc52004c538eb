import argparse

import msgspec
import pytest

from pipeline import commands, config
from pipeline.errors import ConfigError
from pipeline.gateway import options


def read(*words):
    parser = argparse.ArgumentParser()
    options.add(parser, port=7497)
    return options.settings(parser.parse_args(words))


def keys(kind, before=""):
    for field in msgspec.structs.fields(kind):
        if isinstance(field.type, type) and issubclass(field.type, msgspec.Struct):
            yield from keys(field.type, f"{before}{field.name}.")
        else:
            yield before + field.name


def test_nothing_asked_is_the_default():
    assert read() == msgspec.structs.replace(config.Gateway(), port=7497)


def test_every_setting_has_an_option():
    offered = {key for key, *_ in options.OPTIONS + options.SWITCHES} | {"enabled", "port"}
    assert set(keys(config.Gateway)) == offered


@pytest.mark.parametrize("text", ["60", "60x", "60.0"])
def test_a_clock_may_end_in_x(text):
    assert read("--clock", text).clock == 60.0


def test_what_is_given_comes_through():
    found = read("--rate", "0", "--hours", "always", "--without-live-data", "TSLA, AMD", "--lines", "7", "--read-only")
    assert (found.rate, found.hours, found.without_live_data) == (0.0, "always", ["TSLA", "AMD"])
    assert (found.limits.lines, found.read_only, found.advisor) == (7, True, False)


def test_words_and_settings_are_each_other():
    wanted = config.Gateway(
        port=4002, rate=12.5, clock=60.0, advisor=True, without_live_data=["A"], replay="/x y", replay_speed=1000.0,
        limits=config.GatewayLimits(clients=3, unread_s=0.5),
    )  # fmt: skip
    assert read(*options.words(wanted)) == wanted


def test_every_fault_is_named_with_its_option():
    with pytest.raises(ConfigError) as caught:
        read("--rate", "-1", "--lines", "0", "--clock", "0")
    told = " ".join(caught.value.faults)
    assert "--rate" in told
    assert "--lines" in told
    assert "--clock" in told


@pytest.mark.parametrize(
    "words",
    [["--host", "0.0.0.0"], ["--hours", "never"], ["--tls-cert", "x"], ["--replay", "x", "--burst", "5"]],
)
def test_what_makes_no_sense_is_refused(words):
    with pytest.raises(ConfigError):
        read(*words)


def test_run_py_takes_the_same_options():
    asked = commands.parser().parse_args(["gateway", "--clock", "60x", "--scenario", "f.toml", "--clients", "2"])
    assert options.settings(asked) == config.Gateway(
        port=7497, clock=60.0, scenario="f.toml", limits=config.GatewayLimits(clients=2)
    )


def test_a_replay_may_go_as_fast_as_its_clients_read():
    found = read("--replay", "/x", "--replay-speed", "max", "--replay-wait", "2", "--replay-announce")
    assert (found.replay_speed, found.replay_wait, found.replay_announce) == (float("inf"), 2, True)
    assert read(*options.words(found)) == found
