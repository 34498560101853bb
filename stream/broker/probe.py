"""Takes an address, tells which Kafka answers there and whether a port is free; speaks the wire, needs no client."""

import socket
import struct

HOST = "127.0.0.1"
_METADATA, _VERSION = 3, 2
_CLIENT = b"switchboard-probe"


def answering_cluster(port: int, timeout_s: float = 1.0) -> str | None:
    """Id of the cluster that answers on this port; None when none does or no broker of it is alive.

    A broker lists itself only once it is registered and unfenced: from then on topics can be made and written.
    The id tells our broker from another one that took the port in the same moment.
    """
    # Metadata v2 with an empty list of topics: brokers only. Layout: the Kafka protocol guide.
    header = struct.pack(">hhih", _METADATA, _VERSION, 1, len(_CLIENT))
    request = header + _CLIENT + struct.pack(">i", 0)
    try:
        with socket.create_connection((HOST, port), timeout_s) as connection:
            connection.sendall(struct.pack(">i", len(request)) + request)
            with connection.makefile("rb") as stream:
                (size,) = struct.unpack(">i", stream.read(4))
                return _cluster_in(stream.read(min(size, 65_536)))
    except (
        OSError,
        struct.error,
        UnicodeDecodeError,
    ):  # nobody, or somebody who speaks something else
        return None


def _cluster_in(answer: bytes) -> str | None:
    """The answer: correlation id, brokers (id, host, port, rack or null), cluster id; the rest is not read."""
    brokers, at = struct.unpack_from(">i", answer, 4)[0], 8
    for _ in range(min(brokers, 1000)):
        at += 4
        at += 2 + struct.unpack_from(">h", answer, at)[0]
        at += 4
        at += 2 + max(0, struct.unpack_from(">h", answer, at)[0])
    length = struct.unpack_from(">h", answer, at)[0]
    return answer[at + 2 : at + 2 + length].decode("ascii") if brokers > 0 and length > 0 else None


def refusal(port: int) -> str | None:
    """Why no server can listen here; None when one can. Connections of a dead server that linger do not count."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((HOST, port))
            listener.listen(1)
        except OSError as error:
            return (error.strerror or str(error)).lower()
    return None


def free_port() -> int:
    """A port that is free now; somebody else may take it before it is used."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as listener:
        listener.bind((HOST, 0))
        return int(listener.getsockname()[1])
