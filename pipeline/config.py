"""Typed, frozen settings. `load()` reads one TOML and reports every fault at once, each with its place."""

from __future__ import annotations

import difflib
import re
import tomllib
from pathlib import Path
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import msgspec

from pipeline.errors import ConfigError

Port = Annotated[int, msgspec.Meta(ge=0, le=65535)]  # 0: any free one
PositiveFloat = Annotated[float, msgspec.Meta(gt=0)]
NotNegative = Annotated[float, msgspec.Meta(ge=0)]
PositiveInt = Annotated[int, msgspec.Meta(gt=0)]
Fraction = Annotated[float, msgspec.Meta(ge=0, le=1)]
Name = Annotated[str, msgspec.Meta(pattern=r"^[a-z][a-z0-9_-]{0,31}$")]


_TIME = re.compile(r"([01]\d|2[0-3]):[0-5]\d")
LOOPBACK = ("127.0.0.1", "localhost", "::1")
LOCAL_HOSTS = ("127.0.0.1", "localhost", "[::1]")


class Section(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A table of the TOML; unknown keys are faults."""


class GatewayLimits(Section, frozen=True, kw_only=True):
    """What the simulated TWS allows its clients, and how often it reports; TWS's own figures."""

    clients: PositiveInt = 32
    messages_per_s: PositiveInt = 50  # of one client
    lines: PositiveInt = 100  # market-data lines of all clients, distinct contracts
    depth: PositiveInt = 3  # market-depth subscriptions of one client
    tick_by_tick: PositiveInt = 5  # tick-by-tick subscriptions of one client
    history_open: PositiveInt = 50  # historical requests without an answer yet
    history_identical_s: NotNegative = 15.0  # between two identical historical requests; 0: any
    history_same: PositiveInt = 6  # historical requests of one contract and kind in 2 s, from here refused
    history_in_10_min: PositiveInt = 60
    account_every_s: PositiveFloat = 180.0
    pnl_every_s: PositiveFloat = 1.0
    unread_bytes: PositiveInt = 16 << 20  # what may wait for a client that doesn't read
    unread_s: PositiveFloat = 60.0  # how long it may wait


class Gateway(Section, frozen=True, kw_only=True):
    """The simulated TWS; started when `enabled`."""

    enabled: bool = True
    host: str = "127.0.0.1"
    port: Port = 0
    seed: int = 7
    rate: NotNegative = 400.0  # ticks a second, all lines together; 0: none but the first picture
    burst: Annotated[int, msgspec.Meta(ge=0)] = 0  # frames of one prebuilt buffer, sent again and again; 0: none
    clock: PositiveFloat = 1.0  # market seconds a second
    hours: str = "calendar"  # calendar or always
    advisor: bool = False  # the accounts belong to a financial adviser
    read_only: bool = False  # TWS's Read-Only API: no orders, no what-if
    what_if_two_answers: bool = False  # a what-if is answered twice, first without figures
    master_client: int = -1  # client id that hears of every client's orders; -1: none
    open_orders_at_start: bool = False  # a client's open orders are told as it connects
    without_live_data: list[str] = []  # symbols whose live data the user has not subscribed to
    scenario: str = ""  # file of faults
    control: str = ""  # socket that takes faults at run time
    replay: str = ""  # directory of recorded data
    replay_speed: PositiveFloat = 1.0  # inf: as fast as the clients read
    replay_wait: Annotated[int, msgspec.Meta(ge=0)] = 1  # market-data lines that are asked for before it begins
    replay_pause: PositiveFloat = 3600.0  # longest recorded quiet, in seconds; the rest of it is left out
    replay_announce: bool = False  # tell the time before each row, by currentTimeInMillis
    tls_cert: str = ""
    tls_key: str = ""
    tls_client_ca: str = ""
    limits: GatewayLimits = GatewayLimits()


class TwsTls(Section, frozen=True, kw_only=True):
    """Certificates towards a TLS proxy in front of TWS; without `ca` the connection is plain."""

    ca: str = ""  # of the proxy's certificate
    cert: str = ""  # ours, where the proxy asks for one
    key: str = ""  # mode 0600
    server_name: str = ""  # in the proxy's certificate; empty: the host


class Tws(Section, frozen=True, kw_only=True):
    """Where TWS listens (not used while the simulated gateway is enabled) and who may be met there."""

    host: str = "127.0.0.1"
    port: Port = 7497
    tunnel: bool = False  # the address is the near end of an encrypted tunnel
    ingest_client_id: PositiveInt = 11
    orders_client_id: PositiveInt = 12
    mode: str = "paper"  # paper or live
    accounts: list[str] = []  # allowed; empty: all of the mode
    market_data_type: Annotated[int, msgspec.Meta(ge=1, le=4)] = 1
    max_lines: PositiveInt = 100
    generic_ticks: dict[str, str] = {}  # kind of contract → TWS's generic tick numbers, joined by commas
    max_depth: PositiveInt = 3
    max_tick_by_tick: PositiveInt = 5
    messages_per_s: PositiveFloat = 40.0
    restart_time: str = "23:45"  # of TWS's own restart each night, HH:MM; empty: none
    restart_zone: str = "America/New_York"
    restart_within_min: PositiveFloat = 15.0
    login_within_h: PositiveFloat = 12.0  # after Sunday 01:00 in New York, when IBKR asks for a login
    tls: TwsTls = TwsTls()


class Watchlist(Section, frozen=True, kw_only=True):
    """Symbols watched from the start."""

    symbols: list[str] = []


class Margin(Section, frozen=True, kw_only=True):
    """Levels and rates of the margin engine."""

    rule_set: str = "ibkr_reg_t"
    caution_cushion: Fraction = 0.10
    warn_excess_of_maintenance: Fraction = 0.05
    house_rates: dict[str, Fraction] = {}  # symbol → maintenance rate of a long stock
    record_every_s: PositiveFloat = 1.0


class Orders(Section, frozen=True, kw_only=True):
    """Limits of the order gate; trading is off after every start whatever stands here."""

    allowed: bool = True  # may be switched on at all
    max_order_value: PositiveFloat = 250_000.0
    max_order_quantity: PositiveFloat = 5_000.0
    max_open_orders: PositiveInt = 50
    max_orders_a_minute: PositiveInt = 30
    price_collar: Fraction = 0.10  # limit price away from the market, as a share of it
    symbols: list[str] = []  # allowed; empty: all
    kinds: list[str] = msgspec.field(default_factory=lambda: ["MKT", "LMT"])


class Postgres(Section, frozen=True, kw_only=True):
    """The embedded server, or yours by DSN (without a password; that comes from its 0600 pass file)."""

    dsn: str = ""
    pass_file: str = ""
    insecure_transport: bool = False
    retention_days: PositiveInt = 30


class Web(Section, frozen=True, kw_only=True):
    """The Django server."""

    enabled: bool = True
    host: str = "127.0.0.1"
    port: Port = 0
    allowed_hosts: list[str] = msgspec.field(default_factory=lambda: list(LOCAL_HOSTS))
    behind_tls: bool = False  # a TLS proxy stands in front and sets X-Forwarded-Proto


class Desk(Section, frozen=True, kw_only=True):
    """The PyQt5 desk."""

    enabled: bool = True
    palette: str = "dark"  # dark · light · dark-cb · light-cb


class Journal(Section, frozen=True, kw_only=True):
    """Segments and how long committed ones stay for replay."""

    segment_bytes: Annotated[int, msgspec.Meta(ge=1 << 20, le=1 << 30)] = 64 << 20
    sync_ms: PositiveFloat = 4.0
    keep_bytes: Annotated[int, msgspec.Meta(ge=0)] = 1 << 30
    max_bytes: Annotated[int, msgspec.Meta(ge=1 << 24)] = 16 << 30


class Settings(Section, frozen=True, kw_only=True):
    """One run of Margindesk."""

    name: Name = "demo"
    gateway: Gateway = Gateway()
    tws: Tws = Tws()
    watchlist: Watchlist = Watchlist()
    margin: Margin = Margin()
    orders: Orders = Orders()
    postgres: Postgres = Postgres()
    web: Web = Web()
    desk: Desk = Desk()
    journal: Journal = Journal()


def load(path: Path) -> Settings:
    """Settings of the TOML at `path`; ConfigError names every fault with its place."""
    return parse(read_toml(path, "TOML file"), str(path))


def read_toml(path: Path, what: str) -> dict[str, Any]:
    """The tables of a TOML file, which errors call `what`; ConfigError if it can't be read or is none."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError([f"{path}: expected a readable {what}, found: {error.strerror}"]) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError([f"{path}: expected TOML, found: {error}"]) from error


def parse(data: dict[str, Any], place: str = "configuration") -> Settings:
    """Settings of a parsed TOML; ConfigError names every fault with its place."""
    faults = [f"{place}: {fault}" for fault in _type_faults(data, Settings, "$")]
    if faults:
        raise ConfigError(faults)
    settings = msgspec.convert(data, Settings)
    faults = [f"{place}: {fault}" for fault in _sense_faults(settings)]
    if faults:
        raise ConfigError(faults)
    return settings


def _type_faults(data: dict[str, Any], kind: type[msgspec.Struct], where: str) -> list[str]:
    """Each key is checked alone, so that one fault never hides another."""
    fields = {field.name: field.type for field in msgspec.structs.fields(kind)}
    faults: list[str] = []
    for key, value in data.items():
        if key not in fields:
            near = difflib.get_close_matches(key, fields, n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"expected one of {', '.join(sorted(fields))}"
            faults.append(f"{where}.{key}: unknown key; {hint}")
            continue
        field_type = fields[key]
        if isinstance(field_type, type) and issubclass(field_type, msgspec.Struct):
            if isinstance(value, dict):
                faults += _type_faults(value, field_type, f"{where}.{key}")
            else:
                faults.append(f"{where}.{key}: expected a table, found {value!r}")
            continue
        try:
            msgspec.convert(value, field_type)
        except msgspec.ValidationError as error:
            faults.append(f"{where}.{key}: {str(error)[0].lower()}{str(error)[1:]}, found {value!r}")
    return faults


def _sense_faults(settings: Settings) -> list[str]:
    """Faults that types can't show."""
    faults: list[str] = []
    tws, live = settings.tws, settings.tws.mode == "live"
    if tws.mode not in ("paper", "live"):
        faults.append(f"$.tws.mode: expected 'paper' or 'live', found {tws.mode!r}")
    if tws.ingest_client_id == tws.orders_client_id:
        faults.append(f"$.tws.orders_client_id: expected another id than ingest's, found {tws.orders_client_id}")
    if not settings.gateway.enabled:
        if tws.host not in LOOPBACK and not tws.tunnel and not tws.tls.ca:
            means = "[tws.tls] with a ca, or tunnel = true for an encrypted one"
            faults.append(f"$.tws.host: expected loopback, {means}; found {tws.host!r}")
        wrong = {True: (7497, 4002), False: (7496, 4001)}[live]
        if tws.port in wrong:
            faults.append(f"$.tws.port: mode is {tws.mode!r}, but {tws.port} is the usual port of the other mode")
    faults += [f"$.tws.{fault}" for fault in _tws_faults(tws)]
    faults += [f"$.gateway.{fault}" for fault in gateway_faults(settings.gateway)]
    if settings.web.host not in LOOPBACK:
        faults.append(f"$.web.host: expected loopback (put a TLS proxy in front of it), found {settings.web.host!r}")
    if "password" in settings.postgres.dsn.lower() or (
        "@" in settings.postgres.dsn and _has_secret(settings.postgres.dsn)
    ):
        faults.append("$.postgres.dsn: expected no password here; name a 0600 file in pass_file")
    for kind in settings.orders.kinds:
        if kind not in ("MKT", "LMT"):
            faults.append(f"$.orders.kinds: expected MKT or LMT, found {kind!r}")
    if settings.desk.palette not in ("dark", "light", "dark-cb", "light-cb"):
        faults.append(f"$.desk.palette: expected dark, light, dark-cb or light-cb, found {settings.desk.palette!r}")
    return faults


def _tws_faults(tws: Tws) -> list[str]:
    faults: list[str] = [
        f"generic_ticks.{kind}: expected numbers joined by commas, such as '165,232', found {ticks!r}"
        for kind, ticks in tws.generic_ticks.items()
        if not re.fullmatch(r"\d+(,\d+)*", ticks)
    ]
    if bool(tws.tls.cert) != bool(tws.tls.key):
        faults.append("tls.key: expected both cert and key, or none, found one")
    if tws.tls.cert and not tws.tls.ca:
        faults.append("tls.ca: expected the authority of the proxy's certificate, found none")
    if tws.restart_time and not _TIME.fullmatch(tws.restart_time):
        faults.append(f"restart_time: expected HH:MM, or nothing, found {tws.restart_time!r}")
    try:
        ZoneInfo(tws.restart_zone)
    except (KeyError, ValueError, OSError):
        faults.append(f"restart_zone: expected a time zone such as America/New_York, found {tws.restart_zone!r}")
    return faults


def gateway_faults(gateway: Gateway) -> list[str]:
    """What is wrong with the settings of the simulated TWS, each with its key."""
    faults: list[str] = []
    if gateway.host not in LOOPBACK:
        faults.append(f"host: expected loopback, found {gateway.host!r}")
    if gateway.replay and gateway.burst:
        faults.append(f"burst: expected 0 with a replay, found {gateway.burst}")
    if gateway.hours not in ("calendar", "always"):
        faults.append(f"hours: expected 'calendar' or 'always', found {gateway.hours!r}")
    if gateway.replay and gateway.burst:
        faults.append("burst: expected none with a replay, which has its own pace")
    if bool(gateway.tls_cert) != bool(gateway.tls_key):
        faults.append("tls_key: expected both tls_cert and tls_key, or none, found one")
    if gateway.tls_client_ca and not gateway.tls_cert:
        faults.append("tls_client_ca: expected tls_cert and tls_key with it, found none")
    return faults


def _has_secret(dsn: str) -> bool:
    user = dsn.split("@", 1)[0].rsplit("/", 1)[-1]
    return ":" in user
