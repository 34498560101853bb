"""Takes ports and a folder, gives the configuration of a single-node Kafka (KRaft, broker and controller in one)."""

from pathlib import Path

from stream.broker.failure import BrokerError

MEBI = 1024 * 1024
# 18 MiB: a dead letter carries an input of up to 16 MiB untouched, plus its headers.
MAX_MESSAGE_BYTES = 18 * MEBI

# What tests rely on, whoever runs the broker; the Docker fixture passes the same.
BEHAVIOUR: dict[str, str] = {
    "auto.create.topics.enable": "false",  # a mistyped topic is an error, not a new topic
    "default.replication.factor": "1",
    "group.initial.rebalance.delay.ms": "0",
    "message.max.bytes": str(MAX_MESSAGE_BYTES),
    "min.insync.replicas": "1",
    "num.partitions": "4",
    "offsets.topic.num.partitions": "8",
    "offsets.topic.replication.factor": "1",
    "replica.fetch.max.bytes": str(MAX_MESSAGE_BYTES),
    "share.coordinator.state.topic.min.isr": "1",
    "share.coordinator.state.topic.replication.factor": "1",
    # Kafka's default, and not less: a broker that starts after a crash and aborts a timed-out transaction before its
    # partitions have leaders again takes them for deleted ("can be skipped"), writes no marker, and the dead
    # transaction's records are committed by the next one (with 1,000 in 3 of 12 kills of a broker, with this in none).
    "transaction.abort.timed.out.transaction.cleanup.interval.ms": "10000",
    "transaction.state.log.min.isr": "1",
    "transaction.state.log.num.partitions": "8",
    "transaction.state.log.replication.factor": "1",
}

_ONE_SMALL_NODE: dict[str, str] = {
    # After a crash the controller waits for the old session: a start took 13 s with the default 9 s, 6.5 s with these.
    "broker.heartbeat.interval.ms": "500",
    "broker.session.timeout.ms": "3000",
    "log.cleaner.dedupe.buffer.size": str(32 * MEBI),  # the default, 128 MiB, is half of our heap
    "log.retention.hours": "168",
    "log.segment.bytes": str(128 * MEBI),  # retention deletes whole segments only
    "num.io.threads": "4",
    "num.network.threads": "2",
    "socket.request.max.bytes": str(100 * MEBI),
}


def server_properties(port: int, controller_port: int, log_dir: Path) -> str:
    """The text of `server.properties`.

    The voters are named here and not stored in the data folder, so that ports may change between restarts.

    Raises:
        BrokerError: the folder's name is not text, so that Java could not open it.
    """
    try:
        str(log_dir).encode()
    except UnicodeEncodeError:
        raise BrokerError(
            f"the name of data folder {str(log_dir)!r} is not UTF-8; name another with --data-dir"
        ) from None
    identity = {
        "process.roles": "broker,controller",
        "node.id": "1",
        "controller.quorum.voters": f"1@127.0.0.1:{controller_port}",
        "controller.listener.names": "CONTROLLER",
        "listeners": f"CLIENTS://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller_port}",
        "advertised.listeners": f"CLIENTS://127.0.0.1:{port}",
        "inter.broker.listener.name": "CLIENTS",
        "listener.security.protocol.map": "CLIENTS:PLAINTEXT,CONTROLLER:PLAINTEXT",
        "log.dirs": _escaped(str(log_dir)),
    }
    return "".join(
        f"{name}={value}\n" for name, value in {**identity, **BEHAVIOUR, **_ONE_SMALL_NODE}.items()
    )


def _escaped(value: str) -> str:
    """Java's properties format: the backslash escapes, and everything beyond Latin-1 is written as code units."""
    units = value.encode("utf-16-be")
    codes = [int.from_bytes(units[at : at + 2]) for at in range(0, len(units), 2)]
    return "".join(
        "\\\\" if code == 0x5C else chr(code) if 0x20 <= code < 0x7F else f"\\u{code:04x}"
        for code in codes
    )
