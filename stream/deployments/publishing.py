"""A decision and what it makes live in, one transaction on `model-decisions` and `model-deployments` out.

The transactional id is fixed for a cluster's prefix: whoever begins a decision ends the open one of anybody else
(InitProducerId), and reads what is live after that. So of two people who decide at once one is refused, and no
decision rests on a state that was gone by then.
"""

# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# (aiokafka's futures do not say what they hold)

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from aiokafka import AIOKafkaProducer
from aiokafka.errors import IllegalOperation, KafkaError

from stream.deployments.live import Live, key_of
from stream.deployments.topic import read_topic
from stream.errors import FatalError
from stream.kafka.admin import prepare_topics
from stream.kafka.clients import Log, start_when_ready, transactional_producer
from stream.records import Decision, Deployment, encode
from stream.settings import Settings
from stream.topics import MODEL_DECISIONS, MODEL_DEPLOYMENTS


class DecidedMeanwhileError(FatalError):
    """Another decision came between looking at what is live and writing this one; nothing was written."""


@dataclass(frozen=True)
class Publication:
    """What shall be written.

    Args:
        decision: always.
        deployment: what it makes live; None: a rejection changes nothing.
        seen: what was live of this kind for the tenant when the decision was taken; None: nothing.
    """

    decision: Decision
    deployment: Deployment | None
    seen: Deployment | None


async def publish(settings: Settings, publication: Publication, log: Log) -> None:
    """Write a decision and its deployment, visible together or not at all.

    Raises:
        DecidedMeanwhileError: something else is live by now, or somebody else is writing.
        BrokerUnavailableError: no Kafka within the limit.
        FatalError: Kafka refuses; a model of another kind is live under the name; or the end of the transaction is
            not known, then the message says how to find out.
    """
    await prepare_topics(settings, log)
    producer = transactional_producer(settings, f"{settings.topic_prefix}switchboard-models")
    await start_when_ready(producer, settings, log)
    try:
        tombstones = await _tombstones(settings, publication, log)
        await _write(producer, settings, publication, tombstones)
    finally:
        await producer.stop()


async def _tombstones(settings: Settings, publication: Publication, log: Log) -> list[bytes]:
    """Keys of the tenant's other models of this kind, after a second look at what is live."""
    live = Live()
    live.add(await read_topic(settings, settings.topic(MODEL_DEPLOYMENTS), log))
    tenant, kind = publication.decision.tenant, publication.decision.kind
    now = live.by_tenant(kind).get(tenant)
    if now != publication.seen:
        raise DecidedMeanwhileError(
            f"what is live for tenant {tenant!r} changed meanwhile to {shown(now)}; nothing was written, "
            "look at it (`switchboard models list`) and decide again"
        )
    deployed = publication.deployment
    if deployed is None:
        return []
    live.refuse_other_kind(tenant, deployed.name, kind)
    return [key for key in live.keys_of(tenant, kind) if key != key_of(tenant, deployed.name)]


async def _write(
    producer: AIOKafkaProducer,
    settings: Settings,
    publication: Publication,
    tombstones: Sequence[bytes],
) -> None:
    decision, deployment = publication.decision, publication.deployment
    records: list[tuple[str, bytes, bytes | None]] = [
        (MODEL_DECISIONS, key_of(decision.tenant, decision.name), encode(decision))
    ]
    if (
        deployment is not None
    ):  # before the tombstones: nobody reads a moment in which nothing is live
        key = key_of(deployment.tenant, deployment.name)
        records.append((MODEL_DEPLOYMENTS, key, encode(deployment)))
    records += [(MODEL_DEPLOYMENTS, key, None) for key in tombstones]
    try:
        async with asyncio.timeout(settings.transaction_timeout_ms / 1000):
            await producer.begin_transaction()
            sent = [
                await producer.send(settings.topic(topic), value, key, partition=0)
                for topic, key, value in records
            ]
            for result in await asyncio.gather(*sent, return_exceptions=True):
                if isinstance(result, BaseException):  # a failed send does not fail the commit
                    raise result
            await producer.commit_transaction()
    except (KafkaError, IllegalOperation, TimeoutError) as error:
        raise DecidedMeanwhileError(
            f"the decision was interrupted ({type(error).__name__}: {error}), maybe by another person's; "
            "see whether it was written with `switchboard models show`, and decide again if not"
        ) from error


def shown(deployment: Deployment | None) -> str:
    """NAME/VERSION of what is live."""
    return "nothing" if deployment is None else f"{deployment.name}/{deployment.version}"
