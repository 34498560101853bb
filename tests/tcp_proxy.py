"""A Kafka link to break: stands between a client and one broker, and fails at the request that a test names.

It reads the frames of the protocol, so that a fault meets a phase exactly, and puts its own port into the addresses
that the broker advertises, so that every connection of the client passes through it.
"""

import asyncio
import contextlib
import enum
import struct
from collections import Counter, deque
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

METADATA, FIND_COORDINATOR = 3, 10


class Fault(enum.Enum):
    """What happens to a request or its answer."""

    CUT_BEFORE = "the connection ends, and the broker never saw the request"
    CUT_AFTER = "the broker has answered, and the connection ends before the client knows"
    DELAY = "the answer, and all behind it on this connection, comes late"
    HALF_OPEN = "from here on nothing arrives on either side, and every connection stays open until the link heals"


@dataclass
class Planned:
    """One fault, to happen once."""

    fault: Fault
    api_key: int
    hold_s: float
    hit: asyncio.Event = field(default_factory=asyncio.Event)


class Connection:
    """One client's connection and its other half to the broker; frames in, frames out."""

    def __init__(self, proxy: "KafkaProxy", *writers: asyncio.StreamWriter) -> None:
        self.proxy = proxy
        self.writers = writers
        self.expected: deque[tuple[int, Planned | None]] = deque()
        self.has_lost_bytes = False

    def cut(self) -> None:
        for writer in self.writers:
            writer.transport.abort()

    async def requests(self, reader: asyncio.StreamReader) -> None:
        """Client to broker."""
        while True:
            frame = await read_frame(reader)
            (api_key,) = struct.unpack_from(">h", frame)
            planned = self.proxy.take(api_key)
            if planned is not None:
                planned.hit.set()
            if planned is not None and planned.fault is Fault.CUT_BEFORE:
                return
            if self.is_silent():
                continue
            self.proxy.requests[api_key] += 1
            self.expected.append((api_key, planned))
            await write_frame(self.writers[1], frame)

    async def answers(self, reader: asyncio.StreamReader) -> None:
        """Broker to client; answers come in the order of the requests."""
        while True:
            frame = await read_frame(reader)
            api_key, planned = self.expected.popleft()
            if planned is not None and planned.fault is Fault.CUT_AFTER:
                return
            if planned is not None and planned.fault is Fault.DELAY:
                await asyncio.sleep(planned.hold_s)
            if self.is_silent():
                continue
            if api_key in (METADATA, FIND_COORDINATOR):
                frame = frame.replace(*self.proxy.addresses)
            await write_frame(self.writers[0], frame)

    def is_silent(self) -> bool:
        self.has_lost_bytes |= self.proxy.is_silent
        return self.has_lost_bytes


class KafkaProxy:
    """Use `proxied`; clients connect to `bootstrap_servers`."""

    def __init__(self, upstream: str) -> None:
        self._host, port = upstream.rsplit(":", 1)
        self._port = int(port)
        self._planned: list[Planned] = []
        self._connections: dict[Connection, asyncio.Future[None]] = {}
        self._healing: asyncio.TimerHandle | None = None
        self.requests: Counter[int] = Counter()  # by api key, those that reached the broker
        self.is_silent = False

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1")
        port = self._server.sockets[0].getsockname()[1]
        self.bootstrap_servers = f"{self._host}:{port}"
        # string and port as the protocol writes them; both have the length they had
        self.addresses = [self._host.encode() + struct.pack(">i", at) for at in (self._port, port)]

    async def stop(self) -> None:
        if self._healing is not None:
            self._healing.cancel()
        self._server.close()
        ending = [*self._connections.values()]
        for connection in [*self._connections]:
            connection.cut()
        await asyncio.gather(*ending)

    def plan(self, fault: Fault, api_key: int, hold_s: float = 0) -> Planned:
        """Let the next request of this kind fail.

        Args:
            hold_s: how long an answer is late, or how long a half-open link takes to heal.
        """
        self._planned.append(Planned(fault, api_key, hold_s))
        return self._planned[-1]

    def take(self, api_key: int) -> Planned | None:
        """The fault of this request, if one is planned and the link is there for it to happen."""
        if self.is_silent:
            return None
        for planned in self._planned:
            if planned.api_key == api_key:
                self._planned.remove(planned)
                if planned.fault is Fault.HALF_OPEN:
                    self.is_silent = True
                    loop = asyncio.get_running_loop()
                    self._healing = loop.call_later(planned.hold_s, self._heal)
                return planned
        return None

    def _heal(self) -> None:
        """New connections work; the old ones have lost bytes, and end as by a reset."""
        self.is_silent = False
        for connection in [*self._connections]:
            if connection.has_lost_bytes:
                connection.cut()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            from_broker, to_broker = await asyncio.open_connection(self._host, self._port)
        except OSError:
            writer.transport.abort()
            return
        connection = Connection(self, writer, to_broker)
        ended = self._connections[connection] = asyncio.get_running_loop().create_future()
        pumps = [
            asyncio.ensure_future(connection.requests(reader)),
            asyncio.ensure_future(connection.answers(from_broker)),
        ]
        await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
        for pump in pumps:
            pump.cancel()
        connection.cut()
        await asyncio.gather(*pumps, return_exceptions=True)
        del self._connections[connection]
        ended.set_result(None)


async def read_frame(reader: asyncio.StreamReader) -> bytes:
    (size,) = struct.unpack(">i", await reader.readexactly(4))
    return await reader.readexactly(size)


async def write_frame(writer: asyncio.StreamWriter, frame: bytes) -> None:
    writer.write(struct.pack(">i", len(frame)) + frame)
    await writer.drain()


@contextlib.asynccontextmanager
async def proxied(upstream: str) -> AsyncIterator[KafkaProxy]:
    """A link to the broker at `upstream` (`host:port`, as it advertises itself); it holds until a fault is planned."""
    proxy = KafkaProxy(upstream)
    await proxy.start()
    try:
        yield proxy
    finally:
        await proxy.stop()
