"""Takes a port and a data folder, gives the real Apache Kafka on this machine; knows no topic and no record.

`EmbeddedBroker` is for code (demo, tests), `run_broker` is the command `switchboard broker`. The files in order:
`jars` fetches Kafka once per user, `properties` writes its configuration, `data_folder` locks and checks where it
stores, `jvm` runs it and never leaves it behind, `probe` asks whether it answers, `embedded` puts them together.

POSIX only (`flock`, `sh`); on Windows run it in WSL.
"""

from stream.broker.command import DEFAULT_DATA_DIR, DEFAULT_PORT, run_broker
from stream.broker.embedded import EmbeddedBroker
from stream.broker.failure import BrokerError

__all__ = ["DEFAULT_DATA_DIR", "DEFAULT_PORT", "BrokerError", "EmbeddedBroker", "run_broker"]
