"""The one error of the embedded Kafka: what is wrong, with which value, and the way out."""

from stream.errors import FatalError

INSTALL_HINT = "pip install 'switchboard-classifier[broker]'"


class BrokerError(FatalError):
    """The embedded Kafka cannot start, or it died. The message is meant for the person who typed the command."""
