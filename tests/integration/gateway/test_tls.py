"""TLS with client certificates; authorities and keys are made here."""

import contextlib
import select
import shutil
import socket
import ssl
import subprocess
import sys
import threading

import ib_async
import ibapi.client
import pytest

from pipeline import config
from pipeline.gateway import alone

DEADLINE_S = 30.0
pytestmark = pytest.mark.skipif(shutil.which("openssl") is None, reason="needs the openssl command to make keys")


def openssl(*words):
    subprocess.run(["openssl", *words], check=True, capture_output=True)


def authority(directory, name):
    key, cert = directory / f"{name}.key", directory / f"{name}.pem"
    new = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30"]
    openssl(*new, "-keyout", str(key), "-out", str(cert), "-subj", f"/CN={name}")
    return cert


def signed(directory, name, ca):
    """A key with mode 0600 and a certificate of the authority."""
    key, asked, cert = (directory / f"{name}.{end}" for end in ("key", "csr", "pem"))
    new = ["req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    openssl(*new, "-keyout", str(key), "-out", str(asked), "-subj", f"/CN={name}")
    extensions = directory / f"{name}.ext"
    extensions.write_text("subjectAltName=IP:127.0.0.1\n")
    sign = ["x509", "-req", "-in", str(asked), "-CA", str(ca), "-CAkey", str(ca.with_suffix(".key"))]
    openssl(*sign, "-CAcreateserial", "-days", "30", "-out", str(cert), "-extfile", str(extensions))
    key.chmod(0o600)
    return cert, key


@pytest.fixture(scope="module")
def keys(tmp_path_factory):
    directory = tmp_path_factory.mktemp("tls")
    ours, theirs = authority(directory, "ours"), authority(directory, "theirs")
    return {
        "ca": ours,
        "server": signed(directory, "server", ours),
        "client": signed(directory, "client", ours),
        "stranger": signed(directory, "stranger", theirs),
    }


@pytest.fixture(scope="module")
def address(keys):
    cert, key = keys["server"]
    settings = config.Gateway(tls_cert=str(cert), tls_key=str(key), tls_client_ca=str(keys["ca"]), hours="always")
    with alone.running(settings, 0, None, "--day", "2026-11-23") as found:
        yield found


def client_context(keys, who="client"):
    context = ssl.create_default_context(cafile=str(keys["ca"]))
    if who is not None:
        context.load_cert_chain(*map(str, keys[who]))
    return context


@pytest.fixture
def secure(keys, address):
    """A TLS connection with the certificate of `who`."""
    made = []

    def connect(who="client", to=None):
        plain = socket.create_connection(to or address, DEADLINE_S)
        made.append(plain)
        made.append(client_context(keys, who).wrap_socket(plain, server_hostname="127.0.0.1"))
        return made[-1]

    yield connect
    for sock in made:
        sock.close()


def greeted(sock):
    sock.sendall(b"API\0\0\0\0\x09v100..200")
    return sock.recv(4096)[4:7]


def test_a_client_with_a_certificate_is_let_in(secure):
    sock = secure()
    assert sock.version() in ("TLSv1.2", "TLSv1.3")
    assert greeted(sock) == b"200"


@pytest.mark.parametrize("who", [None, "stranger"])
def test_none_or_a_wrong_one_is_shown_out(secure, who):
    heard = b""
    with contextlib.suppress(ssl.SSLError, ConnectionError):  # by 1.3 the refusal comes after our side is done
        heard = greeted(secure(who))
    assert heard == b""
    assert greeted(secure()) == b"200"


def test_plain_bytes_are_shown_out(address, secure):
    with socket.create_connection(address, DEADLINE_S) as plain:
        plain.sendall(b"API\0\0\0\0\x09v100..200")
        heard = b""
        with contextlib.suppress(ConnectionResetError):
            while data := plain.recv(4096):
                heard += data
        assert b"200" not in heard[:16]
    assert greeted(secure()) == b"200"


def test_who_does_not_shake_hands_holds_nobody_up(address, secure):
    with socket.create_connection(address, DEADLINE_S):
        assert greeted(secure()) == b"200"


def test_a_large_answer_comes_whole(secure):
    sock = secure()
    assert greeted(sock) == b"200"
    stream = sock.makefile("rb")

    def say(*fields):
        payload = "".join(f"{field}\0" for field in fields).encode()
        sock.sendall(len(payload).to_bytes(4, "big") + payload)

    say(71, 2, 5, "")
    for n in range(20):
        say(9, 8, n, 0, "AAPL", "OPT", "", 0, "", "", "", "", "", "", "", 0, "", "", "")
    ends = 0
    while ends < 20:
        payload = stream.read(int.from_bytes(stream.read(4), "big"))
        ends += payload.startswith(b"52\0")
    stream.close()


class _Proxy(threading.Thread):
    """Plain on one side, TLS on the other, as stunnel is: how a client that knows no TLS gets in."""

    def __init__(self, context, target):
        super().__init__()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = self._listener.getsockname()
        self._context, self._target = context, target

    def run(self):
        inside, _ = self._listener.accept()
        self._listener.close()
        outside = self._context.wrap_socket(
            socket.create_connection(self._target, DEADLINE_S), server_hostname="127.0.0.1"
        )
        outside.setblocking(False)
        with inside, outside, contextlib.suppress(OSError):
            while True:
                ready, _, _ = select.select([inside, outside], [], [], DEADLINE_S)
                for source, target in ((inside, outside), (outside, inside)):
                    if source not in ready:
                        continue
                    try:
                        data = source.recv(1 << 16)  # a whole record of TLS at most: nothing stays behind unseen
                    except ssl.SSLWantReadError:
                        continue  # a record without data, such as a session ticket
                    if not data:
                        return
                    target.sendall(data)


def test_a_genuine_client_through_a_proxy(keys, address, monkeypatch):
    monkeypatch.setattr(ibapi.client, "MAX_CLIENT_VER", 200)
    proxy = _Proxy(client_context(keys), address)
    proxy.start()
    ib = ib_async.IB()
    ib.connect(*proxy.address, clientId=31, timeout=DEADLINE_S)
    try:
        (stock,) = ib.qualifyContracts(ib_async.Stock("MSFT", "SMART", "USD"))
        assert stock.conId == 272093
    finally:
        ib.disconnect()
        proxy.join(DEADLINE_S)
    assert not proxy.is_alive()


def test_a_key_that_others_can_read_is_refused(keys, tmp_path):
    cert, key = keys["server"]
    open_key = tmp_path / "open.key"
    shutil.copy(key, open_key)
    open_key.chmod(0o640)
    command = [sys.executable, "-m", "pipeline.gateway.alone", "--tls-cert", str(cert), "--tls-key", str(open_key)]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=DEADLINE_S, check=False)
    assert ended.returncode == 3
    assert "mode 0600, found mode 0640" in ended.stderr
