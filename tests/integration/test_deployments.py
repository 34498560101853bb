"""Models that go live, on a real Kafka with real worker processes and bundles: swapped under load, exactly once."""

import asyncio
import json
import os
import shutil
import urllib.error
import urllib.request
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from models.schemas import EVERYONE
from stream.broker import EmbeddedBroker
from stream.kafka.admin import prepare_topics
from stream.settings import Settings
from stream.tenants_toml import read_tenants
from stream.topics import CLASSIFICATIONS, INBOUND_EMAILS
from tests.bundles import HEAD, make_live, roll_back, write_encoder, write_version
from tests.counting import all_answered, count
from tests.kafka_tools import Outgoing, produce, read_all
from tests.walking import Events, mail, settings_for, until
from tests.worker_process import WorkerProcess, worker_processes

pytest.importorskip("onnx", reason="needs the extra heads")

Workers = Callable[..., WorkerProcess]
TIMES_S = {"from": 6, "until": 9}  # seconds from the start of the story on


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_encoder(tmp_path_factory.mktemp("encoder"))


@pytest.fixture
def models_dir(tmp_path: Path) -> Path:
    return tmp_path / "models"


@pytest.fixture
async def settings(kafka: str, prefix: str, models_dir: Path) -> Settings:
    settings = settings_for(kafka, prefix, models_dir=models_dir)
    await prepare_topics(settings, Events())
    return settings


@pytest.fixture
def workers(kafka: str, prefix: str, models_dir: Path, tmp_path: Path) -> Iterator[Workers]:
    """`switchboard worker --walk-only …` in processes of their own."""
    with worker_processes(kafka, prefix, tmp_path) as make:

        def worker(*arguments: str, **more: Any) -> WorkerProcess:
            return make(
                program="stream",
                arguments=["worker", "--walk-only", *arguments],
                **{
                    "models_dir": models_dir,
                    "execution_providers": "cpu",
                    "encode_threads": 1,
                    "max_window_records": 20,
                    **more,
                },
            )

        yield worker


class Mails:
    """Sends mails until told to stop; knows how many."""

    def __init__(self, settings: Settings) -> None:
        self._topic = settings.topic(INBOUND_EMAILS)
        self._kafka = settings.kafka_bootstrap_servers
        self.sent = 0

    async def send(self, count: int, tenants: Sequence[str] = ("default",)) -> None:
        numbers = range(self.sent, self.sent + count)
        self.sent += count
        records = [
            mail(number, f"my card n{number}", tenant=tenants[number % len(tenants)])
            for number in numbers
        ]
        await produce(self._kafka, self._topic, records)

    async def answered_by(self, *workers: WorkerProcess) -> None:
        """Wait until mails that flow from now on are answered, some in every partition, and all that came before."""
        wanted = self.sent + 60
        await until(lambda: self.sent >= wanted)

        def committed() -> int:
            windows = [one for worker in workers for one in worker.events("window_committed")]
            return sum(one["records"] for one in windows)

        await until(lambda: committed() >= wanted)

    @asynccontextmanager
    async def flowing(self, tenants: Sequence[str] = ("default",)) -> AsyncIterator[None]:
        """100 a second at most, meanwhile."""
        ended = asyncio.Event()

        async def flow() -> None:
            while not ended.is_set():
                await self.send(15, tenants)
                await asyncio.sleep(0.15)

        flow_ends = asyncio.ensure_future(flow())
        try:
            yield
        finally:
            ended.set()
            await flow_ends


async def answers(settings: Settings) -> list[dict[str, Any]]:
    """All classifications, with `source` as Kafka's place, in the order of each input partition."""
    topic = settings.topic(CLASSIFICATIONS)
    values = [
        json.loads(record.value)
        for record in await read_all(settings.kafka_bootstrap_servers, topic)
    ]
    return sorted(values, key=lambda one: (one["source"]["partition"], one["source"]["offset"]))


def models_by_partition(found: Sequence[dict[str, Any]]) -> dict[int, list[str]]:
    """The models that answered in each input partition, in order, repeats next to each other left out."""
    seen: dict[int, list[str]] = defaultdict(list)
    for one in found:
        name = f"{one['model']['name']}/{one['model']['version']}"
        own = seen[one["source"]["partition"]]
        if own[-1:] != [name]:
            own.append(name)
    return seen


def each_label_is_of_its_model(found: Sequence[dict[str, Any]]) -> None:
    for one in found:
        model = f"{one['model']['name']}/{one['model']['version']}"
        head = one["heads"][HEAD]
        for label in (head["label"], *(other["label"] for other in head["alternatives"])):
            assert label.split(":")[1] == model, one


async def page(worker: WorkerProcess, path: str) -> tuple[int, str]:
    port = (await worker.logged("worker_started"))["metrics_port"]

    def fetch() -> tuple[int, str]:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode()

    return await asyncio.to_thread(fetch)


async def shows(worker: WorkerProcess, path: str, text: str, timeout_s: float = 10) -> str:
    """Wait until a page holds a text."""
    async with asyncio.timeout(timeout_s):
        while True:
            content = (await page(worker, path))[1]
            if text in content:
                return content
            await asyncio.sleep(0.1)


@pytest.mark.timeout(60)
async def test_an_approval_swaps_the_model_of_running_workers_under_load_and_a_rollback_swaps_back(
    settings: Settings, kafka: str, prefix: str, workers: Workers, encoder: Path
) -> None:
    first = write_version(settings.models_path, encoder)
    second = write_version(settings.models_path, encoder, version=2)
    worker = workers()
    waiting = await worker.logged("no_model_is_live")
    assert "switchboard models approve NAME/VERSION" in waiting["reason"]
    status, text = await page(worker, "/health/ready")
    assert (status, text.splitlines()[0]) == (503, "not ready")
    assert "switchboard models approve" in text

    await make_live(settings, first)
    await worker.logged("partitions_assigned")
    other = workers()
    await other.logged("partitions_assigned")
    mails = Mails(settings)
    async with mails.flowing():
        for doing, count in ((make_live(settings, second), 2), (roll_back(settings), 3)):
            await mails.answered_by(worker, other)
            await doing
            for one in (worker, other):
                await one.logged("model_live", count, timeout_s=5)
        await mails.answered_by(worker, other)
    (await all_answered(kafka, prefix, mails.sent)).must_be_exactly_once()
    found = await answers(settings)
    each_label_is_of_its_model(found)
    orders = models_by_partition(found)
    assert list(orders.values()) == [["support/1", "support/2", "support/1"]] * 4, orders
    metrics = await shows(worker, "/metrics", 'model="support",provider="cpu",tenant="default"')
    assert 'switchboard_model_pending{kind="text",tenant="default"} 0.0' in metrics
    assert 'version="2"} 1.0' not in metrics
    assert [await one.stop() for one in (worker, other)] == [0, 0]


@pytest.mark.timeout(60)
async def test_a_damaged_bundle_never_serves_the_old_one_goes_on_until_it_is_mended(
    settings: Settings, kafka: str, prefix: str, workers: Workers, encoder: Path
) -> None:
    await make_live(settings, write_version(settings.models_path, encoder))
    second = write_version(settings.models_path, encoder, version=2)
    weights = second.path / "heads.safetensors"
    good = weights.read_bytes()
    worker = workers()
    await worker.logged("partitions_assigned")
    weights.write_bytes(good[:-1] + bytes([good[-1] ^ 1]))
    await make_live(settings, second)
    told = await worker.logged("model_not_loaded", 2)
    assert (told["model"], told["effect"]) == ("support/2", "support/1 goes on")
    assert "damaged" in told["reason"]
    assert "copy the bundle again" in told["reason"]
    mails = Mails(settings)
    await mails.send(60)
    (await all_answered(kafka, prefix, 60)).must_be_exactly_once()
    status, text = await page(worker, "/health/ready")
    assert status == 200
    assert text.startswith("ready\npending: tenant default: support/2")
    await shows(worker, "/metrics", 'switchboard_model_pending{kind="text",tenant="default"} 1.0')
    weights.write_bytes(good)
    await worker.logged("model_live", 2)
    await mails.send(60)
    (await all_answered(kafka, prefix, 120)).must_be_exactly_once()
    found = await answers(settings)
    each_label_is_of_its_model(found)
    assert {one["model"]["version"] for one in found} == {"1", "2"}
    assert await page(worker, "/health/ready") == (200, "ready\n")
    assert await worker.stop() == 0


@pytest.mark.timeout(60)
async def test_a_new_worker_without_the_bundle_does_not_join_and_says_why(
    settings: Settings, kafka: str, prefix: str, workers: Workers, encoder: Path
) -> None:
    first = write_version(settings.models_path, encoder)
    away = first.path.with_name("away")
    await make_live(settings, first)
    shutil.move(first.path, away)
    worker = workers()
    told = await worker.logged("model_not_loaded", 2)
    assert "has no model 'support'" in told["reason"]
    status, text = await page(worker, "/health/ready")
    assert status == 503
    assert "tenant default: support/1 is live and not loaded" in text
    assert not worker.events("partitions_assigned")
    await Mails(settings).send(20)
    shutil.move(away, first.path)
    await worker.logged("partitions_assigned")
    (await all_answered(kafka, prefix, 20)).must_be_exactly_once()
    assert await worker.stop() == 0


@pytest.mark.timeout(60)
async def test_a_bundle_that_is_not_the_approved_one_never_serves(
    settings: Settings, workers: Workers, encoder: Path
) -> None:
    first = write_version(settings.models_path, encoder)
    await make_live(settings, first)
    shutil.rmtree(first.path)
    write_version(settings.models_path, encoder, labels=("other", "words"))
    worker = workers()
    told = await worker.logged("model_not_loaded")
    assert "is not the bundle that was approved" in told["reason"]
    assert await worker.stop() == 0, "asked to stop while it waits"


@pytest.mark.timeout(60)
async def test_a_worker_killed_while_it_loads_loses_nothing_and_its_successor_serves_the_new_one(
    settings: Settings, kafka: str, prefix: str, workers: Workers, encoder: Path
) -> None:
    await make_live(settings, write_version(settings.models_path, encoder))
    second = write_version(settings.models_path, encoder, version=2)
    manifest = second.path / "manifest.json"
    away = manifest.rename(second.path / "away.json")
    os.mkfifo(manifest)  # who opens it waits for a writer: the load hangs
    worker = workers(worker_slot=0)
    await worker.logged("partitions_assigned")
    mails = Mails(settings)
    async with mails.flowing():
        await mails.answered_by(worker)
        await make_live(settings, second)
        await until(lambda: len(worker.events("model_loading")) == 2)
        await mails.answered_by(worker)
        worker.kill()
        assert len(worker.events("model_live")) == 1, "it was still loading"
        away.replace(manifest)
        successor = workers(worker_slot=0)
        await successor.logged("window_committed")
    (await all_answered(kafka, prefix, mails.sent)).must_be_exactly_once()
    found = await answers(settings)
    each_label_is_of_its_model(found)
    for order in models_by_partition(found).values():
        assert order == ["support/1", "support/2"]
    assert await successor.stop() == 0


@pytest.mark.timeout(60)
async def test_labels_of_one_tenant_never_reach_another(
    settings: Settings, kafka: str, prefix: str, workers: Workers, encoder: Path
) -> None:
    """Two tenants with models of their own, two whose labels a shared model keeps apart; models change meanwhile."""
    shared = ("red", "green", "blue", "black")
    # blue and black are of rows without a tenant, or of both; red is left's alone, green is right's
    everybody = ("blue", "black")
    schemas = {
        "left": {HEAD: ("red", *everybody)},
        "right": {HEAD: ("green", *everybody)},
        EVERYONE: {HEAD: everybody},
    }
    folder = settings.models_path
    acme = [write_version(folder, encoder, "a", "acme", version=n) for n in (1, 2)]
    globex = [write_version(folder, encoder, "g", "globex", version=n) for n in (1, 2)]
    general = write_version(folder, encoder, "general", labels=shared, schemas=schemas)
    for found in (general, acme[0], globex[0]):
        await make_live(settings, found)
    worker = workers()
    await worker.logged("partitions_assigned")
    mails = Mails(settings)
    tenants = ("acme", "globex", "left", "right", "other", "default")
    await mails.send(200, tenants)
    await until(lambda: sum(one["records"] for one in worker.events("window_committed")) >= 200)
    for change in (acme[1], globex[1]):
        await mails.send(200, tenants)
        await make_live(settings, change)
    await roll_back(settings, "acme")
    await worker.logged("model_live", 6)
    await mails.send(200, tenants)
    (await all_answered(kafka, prefix, mails.sent)).must_be_exactly_once()
    seen: dict[str, set[str]] = defaultdict(set)
    for one in await answers(settings):
        head = one["heads"][HEAD]
        seen[one["tenant"]] |= {label["label"] for label in head["alternatives"]}
        seen[one["tenant"]].add(head["label"])
    for tenant, models in {"acme": acme, "globex": globex}.items():
        own = {label for one in models for label in one.manifest.heads[0].labels}
        assert seen[tenant] <= own, tenant
        assert {label.split(":")[1][-1] for label in seen[tenant]} == {"1", "2"}
    assert {tenant: seen[tenant] for tenant in tenants[2:]} == {
        "left": {"red", *everybody},
        "right": {"green", *everybody},
        "other": set(everybody),
        "default": set(everybody),
    }
    assert await worker.stop() == 0


@pytest.mark.timeout(60)
async def test_a_dedicated_worker_and_the_others_answer_each_record_exactly_once(
    settings: Settings, kafka: str, prefix: str, workers: Workers, encoder: Path, tmp_path: Path
) -> None:
    folder = settings.models_path
    for found in (
        write_version(folder, encoder),
        write_version(folder, encoder, "a", "acme"),
        write_version(folder, encoder, "b", "big bank"),
        write_version(folder, encoder, "g", "globex"),
    ):
        await make_live(settings, found)
    mails = Mails(settings)
    tenants, own = ("acme", "big bank", "globex", "default"), ("acme", "big bank")
    moments = {name: datetime.now(UTC) + timedelta(seconds=s) for name, s in TIMES_S.items()}
    path = tmp_path / "tenants.toml"
    times = "dedicated_to = 'two banks'\n"
    times += "".join(f"dedicated_{name} = {at.isoformat()}\n" for name, at in moments.items())
    path.write_text(
        "".join(
            f"[{table}]\nconsent_to_training = true\n{lines}"
            for table, lines in (
                ("default", ""),
                ("tenants.acme", times),
                ("tenants.'big bank'", times),
            )
        )
    )
    general = workers(tenants_file=path)
    dedicated = workers(
        "--tenant", "big bank", "--tenant", "acme", tenants_file=path, worker_slot=0
    )
    await produce(kafka, settings.topic(INBOUND_EMAILS), [(b"k", b"no mail")])
    async with mails.flowing(tenants):
        for worker in (general, dedicated):
            await worker.logged("partitions_assigned")
        started = dedicated.events("worker_started")[0]
        assert started["group"] == f"{settings.group_id}.two%20banks"
        assert {one["tenant"] for one in dedicated.events("model_live")} == set(own)
        await until(lambda: datetime.now(UTC) > moments["until"], 20)
        await mails.answered_by(general)
    await produce(kafka, settings.topic(INBOUND_EMAILS), [(b"k", b"no mail")])
    shared = read_tenants(path)
    counted = await all_answered(kafka, prefix, mails.sent, tenants=shared)
    counted.must_be_exactly_once()
    assert counted.letters == 2
    by_worker = {}
    for name, worker in (("general", general), ("dedicated", dedicated)):
        assert await worker.stop() == 0
        windows = worker.events("window_committed")
        by_worker[name] = sum(one["outputs"] for one in windows)
    theirs = [one for one in await answers(settings) if one["tenant"] in own]
    assert 0 < by_worker["dedicated"] < 2 * len(theirs), "two outputs a mail, some by the others"
    assert {one["model"]["name"] for one in theirs} == {"a", "b"}
    answer = (await read_all(kafka, settings.topic(CLASSIFICATIONS)))[0]
    again = Outgoing(answer.key, answer.value, answer.headers)
    await produce(kafka, settings.topic(CLASSIFICATIONS), [again])
    found = await count(kafka, prefix, tenants=shared)
    assert found.duplicated == (dict(answer.headers)["output-id"].decode(),)


@pytest.mark.timeout(90)
async def test_a_running_worker_hears_of_an_approval_after_kafka_was_away(
    broker_factory: Callable[..., EmbeddedBroker], prefix: str, encoder: Path, tmp_path: Path
) -> None:
    broker = await asyncio.to_thread(broker_factory)
    settings = settings_for(broker.bootstrap_servers, prefix, models_dir=tmp_path / "models")
    found = [write_version(settings.models_path, encoder, version=n) for n in (1, 2)]
    await make_live(settings, found[0])
    with worker_processes(broker.bootstrap_servers, prefix, tmp_path) as make:
        worker = make(
            program="stream",
            arguments=["worker", "--walk-only"],
            models_dir=settings.models_dir,
            execution_providers="cpu",
        )
        await worker.logged("partitions_assigned")
        await asyncio.to_thread(broker.kill)
        await asyncio.sleep(3)
        assert worker.code is None
        await asyncio.to_thread(broker.start)
        await make_live(settings, found[1])
        await worker.logged("model_live", 2)
        await shows(worker, "/metrics", 'tenant="default",version="2"} 1.0')
        await Mails(settings).send(20)
        counted = await all_answered(broker.bootstrap_servers, prefix, 20)
        counted.must_be_exactly_once()
        assert await worker.stop() == 0
