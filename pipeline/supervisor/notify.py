"""What systemd is told, when it started us and wants to know."""

from __future__ import annotations

import contextlib
import os
import socket


def tell(text: str) -> None:
    """Send READY=1, STOPPING=1 or WATCHDOG=1 to the socket that systemd named; nothing without one."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address or not hasattr(socket, "AF_UNIX"):
        return
    if address.startswith("@"):  # the abstract namespace
        address = "\0" + address[1:]
    with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
        sender.sendto(text.encode(), address)
