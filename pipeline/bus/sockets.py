"""The one file with ZeroMQ options: who drops, who waits, how much is held, how a context ends."""

from __future__ import annotations

import os
import threading
from typing import TypeAlias

import zmq

Socket: TypeAlias = "zmq.Socket[bytes]"
Context: TypeAlias = "zmq.Context[Socket]"

HIGH_WATER = 1000  # messages a peer; beyond it the live lane drops, and the reader notices by seq
MAX_MESSAGE_BYTES = 64 * 1024 * 1024  # of one part
RECONNECT_MS = 20
RECONNECT_MAX_MS = 100  # a restarted process is found again at once; a try costs nothing on ipc
TERMINATE_S = 2.0


def publisher(context: Context, endpoint: str) -> Socket:
    """XPUB, bound. A subscriber that does not read loses frames; it never makes this process wait or grow."""
    socket = _socket(context, zmq.XPUB)
    return _bind(socket, endpoint)


def subscriber(context: Context, endpoint: str) -> Socket:
    """SUB to every topic (a topic filter would give up gap detection), connected; reconnects by itself."""
    socket = _socket(context, zmq.SUB)
    socket.setsockopt(zmq.SUBSCRIBE, b"")
    socket.connect(endpoint)
    return socket


def router(context: Context, endpoint: str) -> Socket:
    """ROUTER, bound. An answer to a peer that is gone or does not read is dropped; peers ask again."""
    return _bind(_socket(context, zmq.ROUTER), endpoint)


def dealer(context: Context, endpoint: str) -> Socket:
    """DEALER, connected. It queues nothing for a peer that is away: a send without a connection raises zmq.Again."""
    socket = _socket(context, zmq.DEALER)
    socket.setsockopt(zmq.IMMEDIATE, 1)
    socket.connect(endpoint)
    return socket


def terminate(context: Context) -> None:
    """End the context. Never hangs: what is still open after two seconds ends with the process."""
    done = threading.Event()

    def end() -> None:
        context.destroy(linger=0)
        done.set()

    threading.Thread(target=end, name="zmq-end", daemon=True).start()
    done.wait(TERMINATE_S)


def _socket(context: Context, kind: int) -> Socket:
    socket = context.socket(kind)
    socket.setsockopt(zmq.LINGER, 0)
    socket.setsockopt(zmq.SNDHWM, HIGH_WATER)
    socket.setsockopt(zmq.RCVHWM, HIGH_WATER)
    socket.setsockopt(zmq.MAXMSGSIZE, MAX_MESSAGE_BYTES)
    socket.setsockopt(zmq.RECONNECT_IVL, RECONNECT_MS)
    socket.setsockopt(zmq.RECONNECT_IVL_MAX, RECONNECT_MAX_MS)
    socket.setsockopt(zmq.HANDSHAKE_IVL, 2000)
    return socket


def _bind(socket: Socket, endpoint: str) -> Socket:
    """ZeroMQ replaces the socket file of a killed predecessor by itself."""
    if endpoint.startswith("tcp://"):
        socket.setsockopt(zmq.HEARTBEAT_IVL, 1000)
        socket.setsockopt(zmq.HEARTBEAT_TIMEOUT, 3000)
    if endpoint.startswith("ipc://"):
        os.makedirs(os.path.dirname(endpoint[6:]) or ".", mode=0o700, exist_ok=True)
    socket.bind(endpoint)
    return socket
