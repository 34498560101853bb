"""The built-in world of support mail and calls, files replayed as traffic, and the open-loop sender for both."""

from stream.simulate.call_files import CallFiles, write_history
from stream.simulate.call_traffic import live_calls, records_of
from stream.simulate.calls import Case, case, cases
from stream.simulate.files import (
    RowError,
    kind_of_start,
    labelled_rows,
    mails_of,
    read_emails,
    training_file_beside,
)
from stream.simulate.outgoing import OutgoingRecord
from stream.simulate.pacing import mixed, paced
from stream.simulate.replay import call_records, profile_record
from stream.simulate.sender import SendSummary, send_open_loop
from stream.simulate.world import World

__all__ = [
    "CallFiles",
    "Case",
    "OutgoingRecord",
    "RowError",
    "SendSummary",
    "World",
    "call_records",
    "case",
    "cases",
    "kind_of_start",
    "labelled_rows",
    "live_calls",
    "mails_of",
    "mixed",
    "paced",
    "profile_record",
    "read_emails",
    "records_of",
    "send_open_loop",
    "training_file_beside",
    "write_history",
]
