"""TLS in front of the simulated TWS, with client certificates if an authority is named. Reads files, no socket."""

from __future__ import annotations

import ssl
from pathlib import Path

from pipeline import config, private
from pipeline.errors import CannotStart

HANDSHAKE_S = 5.0


def context(settings: config.Gateway) -> ssl.SSLContext | None:
    """The server's side of TLS 1.2 or newer; None without a certificate. CannotStart names the file that is wrong."""
    if not settings.tls_cert:
        return None
    private.check(Path(settings.tls_key))
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.minimum_version = ssl.TLSVersion.TLSv1_2
    made.options |= ssl.OP_NO_RENEGOTIATION | ssl.OP_NO_COMPRESSION
    try:
        made.load_cert_chain(settings.tls_cert, settings.tls_key)
    except (OSError, ssl.SSLError) as error:
        text = f"{settings.tls_cert}, {settings.tls_key}: expected a PEM certificate and its key, found: {error}"
        raise CannotStart(text) from error
    if settings.tls_client_ca:
        try:
            made.load_verify_locations(settings.tls_client_ca)
        except (OSError, ssl.SSLError) as error:
            text = f"{settings.tls_client_ca}: expected PEM certificates of an authority, found: {error}"
            raise CannotStart(text) from error
        made.verify_mode = ssl.CERT_REQUIRED
    return made
