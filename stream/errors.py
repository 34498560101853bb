"""The errors of the online half. The kind decides what happens; messages name the thing, the value, the way out.

    SwitchboardError
    ├── PoisonRecordError     this record cannot be processed      -> dead letter, its neighbours go on
    ├── calls.TranscriptionError                 JSON of a transcription service that is none
    ├── RetryableError        the world is not ready yet           -> back off in place, run the window again
    │   └── LostTransactionError   the transaction's end is unknown or it was refused -> new producer, re-read offsets
    └── FatalError            going on would be wrong              -> the process ends with 1, offsets not committed
        ├── SlotInUseError    two workers were given one slot
        ├── BrokerUnavailableError   no Kafka within the limit
        ├── ExpiredRecordsError      the broker deleted records before they were read
        ├── broker.BrokerError       the embedded Kafka cannot run
        ├── calls.StateError         a record of churn-state cannot be read
        ├── simulate.RowError        a file of mail has a line that is none
        ├── deployments.DecidedMeanwhileError   another decision came between
        ├── deployments.NothingToDoError        it is so already             -> the process ends with 3
        └── SettingsError     a setting is wrong                   -> the process ends with 2

A bundle that must not serve raises `models.bundle.BundleError`; the command line turns it into exit code 1.
Anything else is a bug and ends the process; nothing is lost, because offsets were not committed.
"""

from typing import Literal

Stage = Literal["decode", "validate", "clean", "tokenize", "infer", "output", "worker"]


class SwitchboardError(Exception):
    """Root of every error that Switchboard raises on purpose."""


class PoisonRecordError(SwitchboardError):
    """One record that cannot be processed: it goes to dead letters, its neighbours go on.

    Args:
        stage: where it failed; becomes the header `error-stage`.
        kind: a stable word for counting (`bad-json`, `empty-mail`, …); becomes `error-type`.
        message: thing, value and way out, without any text of the mail; becomes `error-message`.
    """

    def __init__(self, stage: Stage, kind: str, message: str) -> None:
        super().__init__(message)
        self.stage: Stage = stage
        self.kind = kind
        self.message = message


class RetryableError(SwitchboardError):
    """The world is not ready: back off and run the same window again."""


class LostTransactionError(RetryableError):
    """A transaction was refused, or its end is unknown: this producer must never be used again."""


class FatalError(SwitchboardError):
    """Going on would be wrong: end the process. Offsets were not committed, so nothing is lost."""

    exit_code = 1


class SlotInUseError(FatalError):
    """Another live worker has the same `SWITCHBOARD_WORKER_SLOT` (Kafka's FENCED_INSTANCE_ID, KIP-345)."""


class BrokerUnavailableError(FatalError):
    """No Kafka answered within `SWITCHBOARD_KAFKA_CONNECT_TIMEOUT_S`."""


class ExpiredRecordsError(FatalError):
    """The committed offset is older than the oldest record: retention deleted records nobody read."""


class SettingsError(FatalError):
    """A setting is missing, malformed or contradicts another one."""

    exit_code = 2


def first_of(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """The error that ended a group of tasks; the others are its echoes."""
    first = group.exceptions[0]
    return first_of(first) if isinstance(first, BaseExceptionGroup) else first  # pyright: ignore[reportUnknownArgumentType]
