"""A worker of a few tenants: settings and tenants in, the settings of a consumer group of its own out.

Its group reads every record of the e-mail topics and answers those of its tenants that the others leave to it
(`dedicated_from`, `dedicated_until` of the tenants file); the others' group does the same the other way round.
"""

from collections.abc import Collection
from datetime import UTC, datetime, timedelta

from stream.kafka.clients import Log
from stream.settings import Settings
from stream.tenants import Tenants

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def dedicated_settings(
    settings: Settings, only: Collection[str], tenants: Tenants, log: Log
) -> Settings:
    """The same with a group of their own, `<group>.<tenants joined by +>`, and its transactional ids.

    The group begins where its first tenant is left to it, so that it does not read the past; without a time for each
    of its tenants it begins as the settings say.

    Args:
        settings: of a worker.
        only: its tenants, at least one.
        tenants: the tenants file.
        log: warned of tenants whose mail the other workers answer as well.
    """
    names = sorted(set(only))
    log("worker_is_dedicated", tenants=", ".join(names))
    periods = {name: tenants.of(name).dedicated for name in names}
    if shared := [name for name, period in periods.items() if period is None]:
        log(
            "dedicated_tenants_without_times",
            tenants=", ".join(shared),
            effect="workers that are not dedicated answer their mail too, so that it is answered twice",
            way_out="write dedicated_from, a time in the future, into their tables of the tenants file",
        )
    changes = {"group_id": f"{settings.group_id}.{'+'.join(names)}"}
    begins_ms = [period.begin_ms for period in periods.values() if period is not None]
    if not shared:
        changes["start_from"] = (_EPOCH + timedelta(milliseconds=min(begins_ms))).isoformat()
    return settings.model_copy(update=changes)
