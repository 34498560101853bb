"""What a worker shows over HTTP: `/metrics`, `/health/live`, `/health/ready`, `/live`. Changes nothing."""

from collections.abc import Callable, Sequence

import msgspec
from aiohttp import web
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder

from stream.errors import SettingsError


class HealthServer:
    """A small HTTP server on its own port.

    Args:
        registry: what `/metrics` shows.
        is_ready: warm, a member of the group, walking.
        live_counts: what `/live` shows: labels per tenant since this worker started.
        problems: what `/health/ready` says beside: why it is not ready, or what it is ready without.
    """

    def __init__(
        self,
        registry: CollectorRegistry,
        is_ready: Callable[[], bool],
        live_counts: Callable[[], object],
        problems: Callable[[], Sequence[str]] = tuple,
    ) -> None:
        self._registry = registry
        self._is_ready = is_ready
        self._live_counts = live_counts
        self._problems = problems
        self._runner: web.AppRunner | None = None
        self.port = 0

    async def start(self, host: str, port: int) -> None:
        """Listen.

        Raises:
            SettingsError: the port is taken.
        """
        app = web.Application()
        app.router.add_get("/metrics", self._metrics)
        app.router.add_get("/health/live", self._live)
        app.router.add_get("/health/ready", self._ready)
        app.router.add_get("/live", self._counts)
        runner = self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
        await runner.setup()
        try:
            await web.TCPSite(runner, host, port).start()
        except OSError as error:
            raise SettingsError(
                f"metrics_port={port} on {host} is in use or not allowed: {error.strerror}; set another, or 0 for any"
            ) from error
        self.port = runner.addresses[0][1]

    async def stop(self) -> None:
        """Close; waits a second for answers on their way."""
        if self._runner is not None:
            await self._runner.cleanup()

    async def _metrics(self, request: web.Request) -> web.Response:
        encode, content_type = choose_encoder(request.headers.get("Accept", ""))
        return web.Response(body=encode(self._registry), headers={"Content-Type": content_type})

    async def _live(self, _: web.Request) -> web.Response:
        return web.Response(text="alive\n")  # the watchdog ends a process that is not

    async def _ready(self, _: web.Request) -> web.Response:
        ready = self._is_ready()
        lines = ["ready" if ready else "not ready", *self._problems()]
        text = "".join(f"{line}\n" for line in lines)
        return web.Response(text=text, status=200 if ready else 503)

    async def _counts(self, _: web.Request) -> web.Response:
        return web.Response(
            body=msgspec.json.encode(self._live_counts()), content_type="application/json"
        )
