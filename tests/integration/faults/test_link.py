"""The link between a worker and its broker is cut, slow or half-open, at each phase of the walk."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from tests.integration.faults.load import under_load
from tests.tcp_proxy import Fault, KafkaProxy, Planned, proxied
from tests.walking import Running, settings_for, until, walking

INIT_PRODUCER_ID, END_TXN = 22, 26
STARTING = {"join": 11, "sync": 14, "renew": INIT_PRODUCER_ID, "read-offsets": 9}
WALKING = {
    "poll": 1,
    "produce": 0,
    "add-partitions": 24,
    "add-offsets": 25,
    "offsets": 28,
    "commit": END_TXN,
    "heartbeat": 12,
}
TRANSACTION_TIMEOUT_MS = 3_000
# Seconds that a link is slow or half-open: within a transaction's time, and beyond it and the session's 6 s.
SHORT_S, LONG_S = 0.6, 8.0


class Link:
    """A walk behind a proxy, and what has happened on the way."""

    def __init__(self, proxy: KafkaProxy, running: Running) -> None:
        self.proxy, self._running = proxy, running

    async def survives(self, planned: Planned) -> None:
        """Wait until the fault has happened and windows are committed after it."""
        async with asyncio.timeout(30):
            await planned.hit.wait()
        done = self.committed
        await until(
            lambda: self.committed >= done + 1, 60, (planned, self._running.events.seen[-5:])
        )

    @property
    def committed(self) -> int:
        assert not self._running.task.done(), self._running.task
        return self._running.events.count("window_committed")

    @property
    def lost(self) -> int:
        return self._running.events.count("transaction_lost")


@asynccontextmanager
async def walking_behind(proxy: KafkaProxy, kafka: str, prefix: str) -> AsyncIterator[Link]:
    """A walk under load, which in the end has answered each record once, with a new producer for each loss."""
    settings = settings_for(
        proxy.bootstrap_servers,
        prefix,
        transaction_timeout_ms=TRANSACTION_TIMEOUT_MS,
        kafka_connect_timeout_s=60,
    )
    async with walking(settings) as running, under_load(kafka, prefix):
        link = Link(proxy, running)
        yield link
        # each of the lost ones was followed by InitProducerId, which aborts what it left open
        assert proxy.requests[INIT_PRODUCER_ID] >= 1 + link.lost


def unknown_end(proxy: KafkaProxy) -> Planned:
    """Let the next transaction end, but so that the walk does not hear of it in time."""
    return proxy.plan(Fault.DELAY, END_TXN, TRANSACTION_TIMEOUT_MS / 1000 + 0.5)


@pytest.mark.timeout(150)
@pytest.mark.parametrize("fault", Fault)
async def test_one_walk_survives_a_fault_of_the_link_at_every_phase(
    kafka: str, prefix: str, fault: Fault
) -> None:
    async with proxied(kafka) as proxy:
        at_start = [proxy.plan(fault, key, SHORT_S) for key in STARTING.values()]
        async with walking_behind(proxy, kafka, prefix) as link:
            for planned in at_start:
                await planned.hit.wait()
            await until(lambda: link.committed, 30)
            for key in WALKING.values():
                await link.survives(proxy.plan(fault, key, SHORT_S))
            renewed = proxy.requests[INIT_PRODUCER_ID]
            end, renewal = unknown_end(proxy), proxy.plan(fault, INIT_PRODUCER_ID, SHORT_S)
            await link.survives(end)
            await link.survives(renewal)
            assert link.lost, "an end that is not known in time is a lost transaction"
            assert proxy.requests[INIT_PRODUCER_ID] > renewed


@pytest.mark.timeout(180)
@pytest.mark.long_form
@pytest.mark.parametrize("phase", [*STARTING, *WALKING])
@pytest.mark.parametrize(
    ("fault", "hold_s"),
    [*((fault, SHORT_S) for fault in Fault), (Fault.DELAY, LONG_S), (Fault.HALF_OPEN, LONG_S)],
)
async def test_a_walk_survives_a_fault_of_the_link(
    kafka: str, prefix: str, fault: Fault, phase: str, hold_s: float
) -> None:
    async with proxied(kafka) as proxy:
        at_start = [proxy.plan(fault, STARTING[phase], hold_s)] if phase in STARTING else []
        async with walking_behind(proxy, kafka, prefix) as link:
            for planned in at_start:
                await link.survives(planned)
            await until(lambda: link.committed)
            if phase == "renew":
                unknown_end(proxy)
            if phase not in ("join", "sync", "read-offsets"):
                await link.survives(proxy.plan(fault, (STARTING | WALKING)[phase], hold_s))
