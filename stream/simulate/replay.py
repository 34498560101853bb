"""Calls and profiles in, the records of their topics out, to the sender. Knows no file, no client and no scoring."""

from collections.abc import Mapping, Sequence

from stream.records import CallFragment, CustomerProfile, encode
from stream.simulate.outgoing import OutgoingRecord
from stream.topics import CALL_TRANSCRIPTS, CUSTOMER_PROFILES


def call_records(fragments: Sequence[CallFragment]) -> list[OutgoingRecord]:
    """What one line of a file holds, in the order given, which is that of sending: what was spoken earlier comes late.

    Several fragments are a call, on its own clock; one alone goes when its turn comes.
    """
    records: list[OutgoingRecord] = []
    after_s = 0.0
    for fragment in fragments:
        if len(fragments) > 1:
            after_s = max(after_s, (fragment.offset_ms or 0) / 1000)
        records.append(
            OutgoingRecord(
                topic=CALL_TRANSCRIPTS,
                key=fragment.call_id.encode(),
                value=encode(fragment),
                caption=fragment.text,
                record_id=f"{fragment.call_id}/{fragment.seq}",
                after_s=after_s,
            )
        )
    return records


def profile_record(
    tenant: str, customer_id: str, features: Mapping[str, float | str | None]
) -> OutgoingRecord:
    """One customer."""
    profile = CustomerProfile(customer_id=customer_id, tenant=tenant, features=dict(features))
    return OutgoingRecord(
        topic=CUSTOMER_PROFILES,
        key=f"{tenant}/{customer_id}".encode(),
        value=encode(profile),
        record_id=customer_id,
    )
