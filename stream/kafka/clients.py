"""Settings in, connected aiokafka clients out: the one place that knows bootstrap, SASL, TLS and client limits."""

import asyncio
import logging
import re
import ssl
import time
from collections.abc import Callable
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.coordinator.assignors.range import RangePartitionAssignor
from aiokafka.errors import (
    AuthenticationFailedError,
    ClusterAuthorizationFailedError,
    GroupAuthorizationFailedError,
    KafkaError,
    TopicAuthorizationFailedError,
    TransactionalIdAuthorizationFailed,
)

from stream.errors import BrokerUnavailableError, FatalError, LostTransactionError, SettingsError
from stream.kafka.kip447 import speak_kip447
from stream.settings import MAX_REQUEST_BYTES, MEBI, Settings

Log = Callable[..., Any]
SESSION_TIMEOUT_MS = 6_000
# A restarted worker finds its slot reserved this long, so that a restart is no rebalance (KIP-345).
SLOT_SESSION_TIMEOUT_MS = 15_000
# The watchdog ends a worker that makes no progress; the client must not leave the group before it.
_REFUSALS = (
    AuthenticationFailedError,
    ClusterAuthorizationFailedError,
    GroupAuthorizationFailedError,
    TopicAuthorizationFailedError,
    TransactionalIdAuthorizationFailed,
)
MOST_TEMPLATES = 1000
MAX_NAME_CHARS = 249
_NOT_IN_NAMES = re.compile(r"[^A-Za-z0-9._-]")
MAX_POLL_INTERVAL_MS = 2 * 3_600_000
# aiokafka holds this against a record's unpacked size, the broker its limit against the packed one. A record that
# came in packed must be able to leave as a dead letter; the topic's own limit is checked before (`outputs`).
MAX_UNPACKED_BYTES = 1024 * MEBI
MAX_BATCH_BYTES = 256 * 1024


def connection(settings: Settings) -> dict[str, Any]:
    """The connection arguments that every aiokafka client takes.

    Raises:
        SettingsError: a certificate or key file cannot be read.
    """
    secured = settings.kafka_security_protocol in ("SSL", "SASL_SSL")
    password = settings.kafka_sasl_password
    arguments: dict[str, Any] = {
        "bootstrap_servers": settings.kafka_bootstrap_servers.split(","),
        "security_protocol": settings.kafka_security_protocol,
        "ssl_context": _ssl_context(settings) if secured else None,
    }
    if settings.kafka_security_protocol.startswith("SASL"):
        arguments |= {
            "sasl_mechanism": settings.kafka_sasl_mechanism,
            "sasl_plain_username": settings.kafka_sasl_username,
            "sasl_plain_password": password.get_secret_value() if password else None,
        }
    return arguments


def _ssl_context(settings: Settings) -> ssl.SSLContext:
    key_password = settings.kafka_ssl_key_password
    try:
        context = ssl.create_default_context(
            cafile=str(settings.kafka_ssl_ca_file) if settings.kafka_ssl_ca_file else None
        )
        if settings.kafka_ssl_cert_file:
            context.load_cert_chain(
                str(settings.kafka_ssl_cert_file),
                str(settings.kafka_ssl_key_file),
                key_password.get_secret_value()
                if key_password
                else "",  # None would ask on the terminal
            )
    except OSError as error:  # ssl.SSLError is one too
        raise SettingsError(
            f"kafka_ssl_ca_file={settings.kafka_ssl_ca_file}, kafka_ssl_cert_file={settings.kafka_ssl_cert_file}: "
            f"{error}; give readable PEM files that belong together"
        ) from error
    return context


def group_consumer(settings: Settings) -> AIOKafkaConsumer:
    """A member of the workers' group, not yet subscribed: nothing commits by itself, nothing resets by itself."""
    speak_kip447()
    slot = settings.worker_slot
    session_ms = SESSION_TIMEOUT_MS if slot is None else SLOT_SESSION_TIMEOUT_MS
    return AIOKafkaConsumer(
        group_id=settings.group_id,
        group_instance_id=None if slot is None else _instance_id(settings.group_id, slot),
        isolation_level="read_committed",
        enable_auto_commit=False,
        auto_offset_reset="none",
        partition_assignment_strategy=[RangePartitionAssignor],
        session_timeout_ms=session_ms,
        heartbeat_interval_ms=session_ms // 5,
        rebalance_timeout_ms=30_000,
        max_poll_interval_ms=MAX_POLL_INTERVAL_MS,
        fetch_max_bytes=settings.max_window_bytes,
        max_partition_fetch_bytes=MEBI,
        fetch_max_wait_ms=250,
        **connection(settings),
    )


def _instance_id(group_id: str, slot: int) -> str:
    """Kafka takes only the characters of a topic's name here, at most 249, and a group of tenants may have others."""
    return _NOT_IN_NAMES.sub("_", f"{group_id}-{slot}")[-MAX_NAME_CHARS:]


def reader(settings: Settings, **arguments: Any) -> AIOKafkaConsumer:
    """A consumer outside every group that sees committed records only."""
    return AIOKafkaConsumer(
        isolation_level="read_committed",
        enable_auto_commit=False,
        **connection(settings),
        **arguments,
    )


def transactional_producer(
    settings: Settings, transactional_id: str, smallest_limit_bytes: int = MAX_BATCH_BYTES
) -> AIOKafkaProducer:
    """A producer for one worker slot; starting it fences the previous holder of the id (InitProducerId).

    Args:
        settings: how to reach Kafka.
        transactional_id: of the slot.
        smallest_limit_bytes: of the topics it will write to: `max.message.bytes` is held against whole batches.
    """
    speak_kip447()
    return AIOKafkaProducer(
        transactional_id=transactional_id,
        transaction_timeout_ms=settings.transaction_timeout_ms,
        compression_type="lz4",
        max_request_size=MAX_UNPACKED_BYTES,
        max_batch_size=min(MAX_BATCH_BYTES, smallest_limit_bytes),
        retry_backoff_ms=10,
        **connection(settings),
    )


def plain_producer(settings: Settings) -> AIOKafkaProducer:
    """An idempotent producer without transactions, for traffic."""
    return AIOKafkaProducer(
        enable_idempotence=True,
        compression_type="lz4",
        max_request_size=MAX_REQUEST_BYTES,
        linger_ms=2,
        **connection(settings),
    )


async def start_when_ready(client: Any, settings: Settings, log: Log) -> None:
    """Start an aiokafka client, waiting for a Kafka that is not up yet.

    Raises:
        BrokerUnavailableError: no answer within `kafka_connect_timeout_s`.
        FatalError: Kafka answered and refused (authentication, authorisation, version).
    """
    deadline = time.monotonic() + settings.kafka_connect_timeout_s
    backoff_s = 0.25
    while True:
        try:
            await client.start()
        except KafkaError as error:
            if not _may_pass(error):
                await client.stop()
                raise FatalError(
                    f"Kafka at {settings.kafka_bootstrap_servers} refused: {type(error).__name__}: {error}; "
                    "check the SASL and TLS settings and the rights of this user"
                ) from error
            left_s = deadline - time.monotonic()
            if left_s <= 0:
                await client.stop()
                raise BrokerUnavailableError(
                    f"no Kafka at kafka_bootstrap_servers={settings.kafka_bootstrap_servers} within "
                    f"kafka_connect_timeout_s={settings.kafka_connect_timeout_s:g} ({error}); start it "
                    "(`switchboard broker`) or name another address"
                ) from error
            log("kafka_not_reached", servers=settings.kafka_bootstrap_servers, left_s=round(left_s))
            await asyncio.sleep(min(backoff_s, left_s))
            backoff_s = min(2 * backoff_s, 5)
        else:
            return


def _may_pass(error: KafkaError) -> bool:
    """Kafka is away, or went away while we asked.

    aiokafka hides a connection that broke in FindCoordinator in a plain `KafkaError` (`Sender._find_coordinator`).
    """
    return error.retriable or type(error) is KafkaError


def lost_or_fatal(error: KafkaError, doing: str) -> LostTransactionError | FatalError:
    """What a client's error means for the walk: begin anew, or end because asking again cannot help."""
    message = f"{doing} failed: {type(error).__name__}: {error}"
    if isinstance(error, _REFUSALS):
        return FatalError(f"{message}; give this user the rights it needs")
    return LostTransactionError(message)


class RateLimit(logging.Filter):
    """Lets one message per kind and second through: aiokafka wrote 49,000 lines in 10 s while a broker was down."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._clock = clock
        self._last_s: dict[str, float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """True for the first message of its template in any second."""
        now_s = self._clock()
        if len(self._last_s) > MOST_TEMPLATES:  # templates with values in them would never end
            self._last_s.clear()
        if now_s - self._last_s.get(str(record.msg), -1.0) < 1.0:
            return False
        self._last_s[str(record.msg)] = now_s
        return True
