"""The built-in world of support mail, files replayed as traffic, and the open-loop sender for both."""

from stream.simulate.files import (
    RowError,
    kind_of_start,
    labelled_rows,
    mails_of,
    read_emails,
    training_file_beside,
)
from stream.simulate.outgoing import OutgoingRecord
from stream.simulate.replay import read_calls, read_profiles
from stream.simulate.sender import SendSummary, send_open_loop
from stream.simulate.world import World

__all__ = [
    "OutgoingRecord",
    "RowError",
    "SendSummary",
    "World",
    "kind_of_start",
    "labelled_rows",
    "mails_of",
    "read_calls",
    "read_emails",
    "read_profiles",
    "send_open_loop",
    "training_file_beside",
]
