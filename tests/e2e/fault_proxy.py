"""A TCP proxy that breaks connections as networks do."""
import asyncio
import enum
import socket
import struct
import threading


class Mode(enum.Enum):
    PASS = "every byte is passed on"
    REFUSE = "new connections are closed at once"
    HALF_OPEN = "connections are taken and stay, but no byte of theirs is passed on any more"


class FaultProxy:
    """Forwards connections to a target, on a thread of its own. Thread-safe."""

    def __init__(self, test):
        """Ends with the test. Needs set_target before the first connection."""
        self.cuts = 0  # connections that were ended on purpose, each with both of its ends
        self.refused = 0  # connections that were closed at once
        self.bytes_passed = 0
        self._target = None
        self._mode = Mode.PASS
        self._delay_seconds = 0
        self._cut_after = None
        self._links = set()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._server = self._call(lambda: self._loop.create_server(
            lambda: _End(_Link(self), True), "127.0.0.1", 0))
        self.address = "127.0.0.1:%d" % self._server.sockets[0].getsockname()[1]
        test.addCleanup(self._stop)

    def set_target(self, address):
        host, port = address.split(":")
        self._target = (host, int(port))

    def set_mode(self, mode, reset=True):
        """From HALF_OPEN to another mode, connections that have lost bytes are reset; or without
        `reset` they stay as they are, and nobody is ever told that they are lost."""
        def change():
            self._mode = mode
            for link in list(self._links):
                if mode is Mode.HALF_OPEN:
                    link.swallows = True
                elif link.swallows and reset:
                    link.end(reset=True)
        self._do(change)

    def set_delay(self, seconds):
        """Each byte arrives so much later, in both directions."""
        self._do(lambda: setattr(self, "_delay_seconds", seconds))

    def cut(self, reset):
        """Ends all connections: with RST, or with FIN after what was passed on."""
        def change():
            for link in list(self._links):
                self.cuts += link.end(reset)
        self._do(change)

    def cut_after(self, count, reset):
        """Ends each connection after so many more bytes of it, wherever that is: those there are,
        and those that come, until cut_no_more."""
        self._arm((count, reset))

    def cut_no_more(self):
        self._arm(None)

    def _arm(self, cut_after):
        def change():
            self._cut_after = cut_after
            for link in self._links:
                link.cut_after = cut_after
        self._do(change)

    def _do(self, function):
        async def run():
            function()
        self._call(run)

    def _call(self, start):
        async def run():
            return await start()
        return asyncio.run_coroutine_threadsafe(run(), self._loop).result(10)

    def _stop(self):
        self._do(self._server.close)
        self.cut(reset=True)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()


class _Link:
    """A connection from a client and the one to the target. On the proxy's thread."""

    def __init__(self, proxy):
        self.cut_after = proxy._cut_after
        self.swallows = proxy._mode is Mode.HALF_OPEN
        self._proxy = proxy
        self._client = None
        self._target = None
        self._early = []  # data of the client before the target is reached
        self._ended = False
        self._last_write = 0.0
        self._connecting = None  # the loop itself keeps only weak references to tasks

    def on_made(self, end):
        if not end.is_client:
            self._target = end
            if self._ended:
                end.transport.abort()
            for data in self._early:
                self.forward(self._client, data)
            return
        self._client = end
        if self._proxy._mode is Mode.REFUSE:
            self._proxy.refused += 1
            end.transport.abort()
            return
        self._proxy._links.add(self)
        self._connecting = asyncio.ensure_future(self._connect())

    async def _connect(self):
        try:
            await self._proxy._loop.create_connection(lambda: _End(self, False),
                                                      *self._proxy._target)
        except OSError:
            self.end(reset=True)

    def forward(self, source, data):
        if self.swallows or self._ended:
            return
        if self._target is None:
            self._early.append(data)
            return
        reset = None
        if self.cut_after is not None:
            count, reset = self.cut_after
            self.cut_after = (count - len(data), reset)
            data = data[:count]
        self._proxy.bytes_passed += len(data)
        self._write(self._target if source is self._client else self._client, data)
        if self.cut_after is not None and self.cut_after[0] <= 0:
            self._proxy.cuts += self.end(reset)

    def _write(self, end, data):
        loop, delay = self._proxy._loop, self._proxy._delay_seconds
        if delay == 0 and loop.time() >= self._last_write:
            end.transport.write(data)
            return
        # Behind what is under way already, also when the delay has become shorter.
        self._last_write = max(loop.time() + delay, self._last_write + 1e-6)
        loop.call_at(self._last_write, lambda: self._ended or end.transport.write(data))

    def end(self, reset):
        """Ends both sides. Whether they had not ended before."""
        if self._ended:
            return False
        self._ended = True
        self._proxy._links.discard(self)
        for end in (self._client, self._target):
            if end is None or end.transport.is_closing():
                continue
            if reset:
                peer = end.transport.get_extra_info("socket")
                peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                end.transport.abort()
            else:
                end.transport.close()
        return True


class _End(asyncio.Protocol):
    """One of the two connections of a link."""

    def __init__(self, link, is_client):
        self.is_client = is_client
        self.transport = None
        self._link = link

    def connection_made(self, transport):
        self.transport = transport
        self._link.on_made(self)

    def data_received(self, data):
        self._link.forward(self, data)

    def connection_lost(self, _):
        # While half-open, nobody hears of the end of the other side either.
        if not self._link.swallows:
            self._link.end(reset=False)
