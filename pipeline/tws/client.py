"""The genuine EClient with our transport: its encoders and its Decoder, no thread, no queue, no run().

The stock reader loses data, is quadratic in a backlog and dies on one bad frame; here one loop owns the socket, hot
frames are decoded in one pass (`decode.py`), everything else goes through the genuine Decoder in its place.
"""

from __future__ import annotations

import ssl
import struct
from collections.abc import Callable
from typing import Any, Protocol

import numpy as np
from ibapi.client import EClient
from ibapi.comm import make_initial_msg, make_msg
from ibapi.decoder import Decoder
from numpy.typing import NDArray

from pipeline.errors import WireError
from pipeline.tws import decode, figures, slow
from pipeline.tws.lines import Lines
from pipeline.tws.link import Link, LinkLost
from pipeline.tws.pacing import Outbox, bucket_for
from pipeline.tws.plain import integer

MIN_SERVER_VERSION = 157  # the oldest whose layouts are tested
MAX_CLIENT_VERSION = 200  # from 201 on TWS speaks protobuf
MAX_BAD_IN_A_ROW = 8
_PLAUSIBLE_BYTES = 64 << 10


class Handler(Protocol):
    """Who is told. Besides these: every EWrapper callback by its own name (`Callbacks` has them all, empty)."""

    def greeted(self) -> None:
        """TWS named its version; what it says follows."""
        ...

    def ticks(self, records: NDArray[np.void], slots: NDArray[np.int32]) -> None:
        """TICK records in order, in an array that is used again after this call; `slots` as given to Lines.add."""
        ...

    def options(self, records: NDArray[np.void], slots: NDArray[np.int32]) -> None:
        """OPTION records, the same way."""
        ...

    def feed(self, topic: bytes, records: NDArray[np.void]) -> None:
        """Records of md.last, md.quote, md.mid, md.depth or md.bar, in order, in an array that is used again."""
        ...

    def text_tick(self, con_id: int, tick_type: int, text: str) -> None:
        """A tickString whose value is no number."""
        ...

    def bad_frame(self, kind: str, text: str) -> None:
        """A frame was dropped and counted."""
        ...


class TwsClient(EClient):  # type: ignore[misc]  # ibapi is not typed
    """One connection at a time. `dial`, then in the loop: `pump` when readable, `flush` always.

    LinkLost comes out of `pump` and `flush` when the connection is gone; then `hang_up` and `dial` again. Exceptions of
    a handler are not caught: a bug in it is not a bad frame.
    """

    def __init__(self, handler: Handler, *, messages_per_s: float) -> None:
        super().__init__(handler)
        self.handler = handler
        self.lines = Lines()
        self.outbox = Outbox(bucket_for(messages_per_s), bucket_for(messages_per_s / 2.0))
        self.link: Link | None = None
        self.bad_messages = self.unknown_messages = self.frames = 0
        self.greeted = False  # the server's version is known, startApi is sent
        self._bad_in_a_row = 0
        self._out = decode.Output()
        self._calls: list[tuple[str, tuple[Any, ...]]] = []
        self._broken = ""

    # The life of a connection.

    def dial(
        self, host: str, port: int, client_id: int, tls: ssl.SSLContext | None = None, server_name: str = ""
    ) -> None:
        """Begin to connect; never waits. LinkLost when it fails at once."""
        self.hang_up()
        self.lines.clear()
        self.greeted, self._bad_in_a_row, self._broken = False, 0, ""
        self.host, self.port, self.clientId = host, port, client_id
        self.link = Link(host, port, tls, server_name)
        self.conn = self
        self.setConnState(EClient.CONNECTING)
        hello = make_initial_msg(f"v100..{MAX_CLIENT_VERSION}")
        self.link.send(b"API\0" + hello)

    def hang_up(self) -> None:
        """Close the connection, if there is one; nothing that waits is sent."""
        self.outbox.clear()
        if self.link is not None:
            self.link.close()
        self.reset()
        self.link = None

    def fileno(self) -> int:
        """The socket, for a poller; −1 without one."""
        return self.link.fileno() if self.link is not None else -1

    def flush(self, now_s: float) -> None:
        """Send what pacing admits now."""
        if self.link is None or not self.link.finish():
            return
        if self._broken:
            raise LinkLost(self._broken)
        self.link.flush()
        if self.greeted:
            for data in self.outbox.due(now_s):
                self.link.send(data)

    def pump(self, recv_ns: int, market_ns: int) -> int:
        """Read once what is there, hand out every whole frame in order; returns how many bytes came in."""
        link = self.link
        if link is None or not link.finish():
            return 0
        link.flush()
        count = link.read()
        if count and not self.greeted:
            self._greet(link)
        while count and self.greeted and self._hand_out(link, recv_ns, market_ns):
            pass
        return count

    # Reading.

    def _greet(self, link: Link) -> None:
        """The server's first frame: its version and time. It may come in pieces, and more may follow it."""
        waiting = bytes(link.buffer[link.start : link.end])
        if len(waiting) < 4:
            return
        length = struct.unpack("!I", waiting[:4])[0]
        if length > 256:
            raise LinkLost(f"expected TWS's greeting, found a frame of {length} bytes: is this port TWS's?")
        if len(waiting) < 4 + length:
            return
        fields = slow.fields_of(waiting[4 : 4 + length])
        link.consume(link.start + 4 + length)
        if len(fields) != 2 or not fields[0].isdigit():
            raise LinkLost(f"expected a version and a time as TWS's greeting, found {waiting[4 : 4 + length]!r}")
        version = int(fields[0])
        if not MIN_SERVER_VERSION <= version <= MAX_CLIENT_VERSION:
            raise LinkLost(f"expected a server version {MIN_SERVER_VERSION}…{MAX_CLIENT_VERSION}, found {version}")
        self.serverVersion_: int | None = version
        self.connTime = fields[1]
        self.decoder = _Decoder(self, version)
        self.setConnState(EClient.CONNECTED)
        self.greeted = True
        self.handler.greeted()
        self.startApi()

    def _hand_out(self, link: Link, recv_ns: int, market_ns: int) -> bool:
        """One pass over what waits; True when the output was full and another one is needed."""
        out = self._out
        upto, cold, why = decode.run(link.buffer, link.start, link.end, self.lines, recv_ns, market_ns, out)
        frames = [bytes(link.buffer[o : o + n]) for o, n in out.cold[:cold, : decode.BEFORE].tolist()]
        before = out.cold[:cold, decode.BEFORE :].tolist()
        counts = out.counts.tolist()
        link.consume(upto)
        self.frames += sum(counts) + cold
        done = [0] * decode.KINDS
        for frame, upto_here in zip(frames, before, strict=True):
            self._records(done, upto_here)
            done = upto_here
            self._cold(frame, recv_ns, market_ns)
            if self.link is not link:
                return False  # a handler hung up
        self._records(done, counts)
        if why == decode.TOO_LONG:
            raise LinkLost("a frame longer than the protocol allows: out of step")
        if why == decode.MORE:
            self._check_unfinished(link)
        return why == decode.FULL

    def _records(self, begin: list[int], end: list[int]) -> None:
        """Hand out what was decoded between two cold frames."""
        if begin == end:
            return
        self._bad_in_a_row = 0
        for kind, (first, last) in enumerate(zip(begin, end, strict=True)):
            if last > first:
                self._hand_kind(kind, first, last)

    def _hand_kind(self, kind: int, first: int, last: int) -> None:
        out, records = self._out, self._out.records[kind][first:last]
        if kind == decode.TICKS:
            self.handler.ticks(records, out.slots[0][first:last])
        elif kind == decode.OPTIONS:
            self.handler.options(records, out.slots[1][first:last])
        else:
            self.handler.feed(decode.TOPICS[kind], records)

    def _check_unfinished(self, link: Link) -> None:
        """A long unfinished frame must at least begin like a message, or we are out of step."""
        waiting = link.end - link.start
        if waiting < 12:
            return
        length = int.from_bytes(bytes(link.buffer[link.start : link.start + 4]), "big")
        head = bytes(link.buffer[link.start + 4 : link.start + 12]).split(b"\0", 1)
        if length > _PLAUSIBLE_BYTES and not (len(head) == 2 and head[0].isdigit()):
            raise LinkLost(f"a frame of {length} bytes that begins with no message id: out of step")
        link.hold(4 + length)

    def _cold(self, frame: bytes, recv_ns: int, market_ns: int) -> None:
        """A frame that the kernel left: a hot one spelled oddly, or one for the genuine Decoder."""
        try:
            fields = slow.fields_of(frame)
            if not fields or not fields[0].isdigit():
                raise WireError(f"expected a message id, found {frame[:40]!r}")
            message = int(fields[0])
            hot = message in slow.HOT_IDS
            if hot:
                self._calls = self._hot_calls(message, fields, recv_ns, market_ns)
            else:
                self._calls = []
                self.decoder.interpret(tuple(figures.told(message, fields)[1:]), message)
        except Exception as error:  # whatever the genuine Decoder raises over bytes from outside costs this frame only
            self._bad(frame, error)
            return
        self._bad_in_a_row = 0
        calls, self._calls = self._calls, []
        for name, arguments in calls:
            getattr(self.handler, name)(*arguments)

    def _hot_calls(
        self, message: int, fields: list[bytes], recv_ns: int, market_ns: int
    ) -> list[tuple[str, tuple[Any, ...]]]:
        if message == 46 and len(fields) == 5 and not slow.is_number(fields[4]):
            con_id = self._line(integer(fields[2]))
            text = fields[4].decode("unicode-escape", errors="backslashreplace")
            return [("text_tick", (con_id, integer(fields[3]), text))]
        request, record = slow.record(fields)
        record["recv_ns"], record["con_id"] = recv_ns, self._line(request)
        record["flags"] |= self.lines.flags[request]
        kind = decode.DTYPES.index(record.dtype)
        if kind == decode.BARS:
            record["what"] = self.lines.what[request]
        elif record["market_ns"][0] == 0:
            record["market_ns"] = market_ns
        self.lines.seen_ns[request] = recv_ns
        if kind in (decode.TICKS, decode.OPTIONS):
            name = "ticks" if kind == decode.TICKS else "options"
            return [(name, (record, self.lines.slots[request : request + 1]))]
        return [("feed", (decode.TOPICS[kind], record))]

    def _line(self, request: int) -> int:
        con_id = self.lines.con_id(request)
        if not con_id:
            raise WireError(f"tick for request {request}, which is none of ours")
        return con_id

    def _bad(self, frame: bytes, error: Exception) -> None:
        kind = frame.split(b"\0", 1)[0][:6].decode("ascii", errors="replace")
        if isinstance(error, _UnknownMessage):
            self.unknown_messages += 1
        else:
            self.bad_messages += 1
            self._bad_in_a_row += 1
        self.handler.bad_frame(kind, f"{type(error).__name__}: {error}")
        if self._bad_in_a_row >= MAX_BAD_IN_A_ROW:
            raise LinkLost(f"{self._bad_in_a_row} bad frames in a row: out of step")

    def note_call(self, name: str, arguments: tuple[Any, ...]) -> None:
        """The genuine Decoder calls its wrapper: kept until the whole frame was good."""
        self._calls.append((name, arguments))

    # What EClient's encoders use.

    def sendMsg(self, msgId: Any, msg: str | None = None) -> None:
        """Every request ends here; it waits for its token in its lane."""
        if self.link is not None and msg is not None:
            self.outbox.put(int(msgId), make_msg(int(msgId), False, msg))

    def isConnected(self) -> bool:
        """True between the greeting and `hang_up`."""
        return self.greeted and self.link is not None

    def logRequest(self, fnName: str, fnParams: Any) -> None:
        """Nothing: the stock one formats every argument."""

    def disconnect(self) -> None:
        """As `hang_up`; the stock one calls back from inside, which starts reconnects twice."""
        self.hang_up()


class _UnknownMessage(WireError):
    """TWS sent a message id that this client doesn't know."""


class _Noted:
    """The wrapper that the Decoder sees: it notes each call."""

    def __init__(self, client: TwsClient) -> None:
        self._client = client

    def __getattr__(self, name: str) -> Callable[..., None]:
        def note(*arguments: Any) -> None:
            self._client.note_call(name, arguments)

        return note


class _Decoder(Decoder):  # type: ignore[misc]
    """The genuine Decoder, except that it says so when it drops a message."""

    def __init__(self, client: TwsClient, version: int) -> None:
        super().__init__(_Noted(client), version)

    def interpret(self, fields: tuple[bytes, ...], msgId: int) -> None:
        """As the stock one, but a bad message raises (the stock one fails while it reports it)."""
        info = self.msgId2handleInfo.get(msgId)
        if info is None:
            raise _UnknownMessage(f"message id {msgId}")
        if info.wrapperMeth is not None:
            expected = len(info.wrapperParams)  # `self` stands for the version field
            if len(fields) != expected:
                raise WireError(f"message {msgId}: expected {expected} fields, found {len(fields)}")
            self.interpretWithSignature(fields, info)
        else:
            info.processMeth(self, iter(fields))
