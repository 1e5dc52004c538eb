"""Our connection to a TWS behind TLS: with the right certificate, without one, with a proxy that nobody knows."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from pipeline import config
from pipeline.errors import CannotStart
from pipeline.gateway import alone

pytestmark = pytest.mark.skipif(shutil.which("openssl") is None, reason="needs the openssl command to make keys")
NEW = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]


def openssl(*words: str) -> None:
    subprocess.run(["openssl", *words], check=True, capture_output=True)


def authority(directory: Path, name: str) -> Path:
    cert = directory / f"{name}.pem"
    openssl("req", "-x509", *NEW, "-days", "30", "-keyout", str(cert.with_suffix(".key")), "-out", str(cert),
            "-subj", f"/CN={name}")  # fmt: skip
    return cert


def signed(directory: Path, name: str, ca: Path) -> tuple[str, str]:
    key, asked, cert, extensions = (directory / f"{name}.{end}" for end in ("key", "csr", "pem", "ext"))
    openssl("req", *NEW, "-keyout", str(key), "-out", str(asked), "-subj", f"/CN={name}")
    extensions.write_text("subjectAltName=IP:127.0.0.1,DNS:tws.example\n")
    openssl("x509", "-req", "-in", str(asked), "-CA", str(ca), "-CAkey", str(ca.with_suffix(".key")),
            "-CAcreateserial", "-days", "30", "-out", str(cert), "-extfile", str(extensions))  # fmt: skip
    key.chmod(0o600)
    return str(cert), str(key)


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    directory = tmp_path_factory.mktemp("tls")
    ours, other = authority(directory, "ours"), authority(directory, "other")
    return {"ours": str(ours), "other": str(other), "server": signed(directory, "server", ours),
            "client": signed(directory, "client", ours)}  # fmt: skip


@pytest.fixture(scope="module")
def port(keys: dict[str, Any]) -> Iterator[int]:
    cert, key = keys["server"]
    settings = config.Gateway(tls_cert=cert, tls_key=key, tls_client_ca=keys["ours"], hours="always")
    with alone.running(settings) as (_, found):
        yield found


def test_ready_over_tls_with_a_client_certificate(
    keys: dict[str, Any], port: int, connect: Callable[..., Any], run_until: Callable[..., None]
) -> None:
    cert, key = keys["client"]
    tls = {"ca": keys["ours"], "cert": cert, "key": key, "server_name": "tws.example"}
    connection, handler = connect(port, tls=tls)
    run_until(connection, lambda: connection.session.state == "READY")
    connection.client.reqScannerParameters()  # a long answer: TLS holds more than one read
    run_until(connection, lambda: handler.named("scannerParameters"))
    assert handler.named("scannerParameters")[0][0].rstrip().endswith(">")
    connection.fence()
    run_until(connection, lambda: not connection.session.waiting_probes)


@pytest.mark.parametrize("fault", ["no certificate of ours", "unknown authority", "plain"])
def test_refused_with_the_reason(
    keys: dict[str, Any], port: int, fault: str, connect: Callable[..., Any], run_until: Callable[..., None]
) -> None:
    tls = {"no certificate of ours": {"ca": keys["ours"]}, "unknown authority": {"ca": keys["other"]}, "plain": {}}
    connection, handler = connect(port, tls=tls[fault])
    run_until(connection, lambda: handler.named("tws_lost"))
    assert not handler.named("tws_ready")
    if fault == "unknown authority":
        assert "certificate verify failed" in handler.named("tws_lost")[0][0]


def test_a_key_that_others_can_read_stops_the_start(
    keys: dict[str, Any], connect: Callable[..., Any], tmp_path: Path
) -> None:
    cert, key = keys["client"]
    shown = tmp_path / "shown.key"
    shown.write_bytes(Path(key).read_bytes())
    shown.chmod(0o644)
    with pytest.raises(CannotStart, match="mode 0600"):
        connect(1, tls={"ca": keys["ours"], "cert": cert, "key": str(shown)})
    with pytest.raises(CannotStart, match=r"\[tws.tls\]"):
        connect(1, tls={"ca": str(tmp_path / "none.pem")})
