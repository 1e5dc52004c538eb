"""TLS towards a proxy in front of TWS: TWS itself speaks none. Built once, at the start of the process."""

from __future__ import annotations

import ssl
from pathlib import Path

from pipeline import private
from pipeline.config import TwsTls
from pipeline.errors import CannotStart


def context(settings: TwsTls) -> ssl.SSLContext | None:
    """The client's side, TLS 1.2 or newer, the proxy's certificate checked against `ca`; None without a `ca`.

    CannotStart where a file is missing or no certificate, or where somebody else may read the key.
    """
    if not settings.ca:
        return None
    try:
        made = ssl.create_default_context(ssl.Purpose.SERVER_AUTH, cafile=settings.ca)
        made.minimum_version = ssl.TLSVersion.TLSv1_2
        if settings.cert:
            private.check(Path(settings.key))
            made.load_cert_chain(settings.cert, settings.key)
    except (OSError, ssl.SSLError) as error:  # SSLError is an OSError; both say which file only sometimes
        files = ", ".join(name for name in (settings.ca, settings.cert, settings.key) if name)
        raise CannotStart(f"[tws.tls]: expected certificates and a key in {files}; found: {error}") from error
    return made
