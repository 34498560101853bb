"""A worker of a few tenants: settings and tenants in, what it answers and the settings of its own group out.

Its group reads every record of the e-mail topics and answers those of its tenants that the others leave to it
(`dedicated_from`, `dedicated_until` of the tenants file); the others' group does the same the other way round. The
group has the name that its tenants share in the file (`dedicated_to`, else the tenant's own), so that it stays the
same, with its offsets, when the name gets another tenant.
"""

from collections.abc import Collection
from datetime import UTC, datetime, timedelta

from stream.dedication import Dedication, group_of
from stream.errors import SettingsError
from stream.kafka.clients import Log
from stream.settings import Settings
from stream.tenants import Tenants

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def dedication_of(asked: Collection[str], tenants: Tenants, *, alone: bool) -> Dedication:
    """What a worker answers that was started for some tenants: they, and all that share their name.

    Args:
        asked: at least one.
        tenants: the tenants file.
        alone: no other workers run, so that no times are needed.

    Raises:
        SettingsError: they do not share a name, or other workers would answer their mail too.
    """
    names = sorted({tenants.team_of(tenant) for tenant in asked})
    if len(names) > 1:
        raise SettingsError(
            f"tenants {', '.join(sorted(asked))} are left to different dedicated workers ({', '.join(names)}); write "
            "the same dedicated_to into their tables of the tenants file, or start a worker for each name"
        )
    members = frozenset(asked) | tenants.team(names[0])
    shared = sorted(tenant for tenant in members if tenants.of(tenant).dedicated is None)
    if shared and not alone:
        raise SettingsError(
            f"no dedicated_from for tenant {', '.join(shared)}: workers that are not dedicated answer this mail, and "
            "it would be answered twice; write dedicated_from, a time in the future, into the table of the tenants "
            "file, for all workers, or start with --alone where there are no others"
        )
    return Dedication(names[0], members, alone)


def dedicated_settings(
    settings: Settings, only: Dedication, tenants: Tenants, log: Log
) -> Settings:
    """The same with a group of their own, `<group>.<name>`, and its transactional ids.

    The group begins where its first tenant is left to it, so that it does not answer the past; a worker that is alone
    begins as the settings say. The name is quoted as in a URL.

    Args:
        settings: of a worker.
        only: what it is dedicated to.
        tenants: the tenants file.
        log: told who its tenants are.
    """
    log("worker_is_dedicated", tenants=", ".join(sorted(only.tenants)), alone=only.is_alone)
    changes = {"group_id": group_of(settings.group_id, only.name)}
    if not only.is_alone:
        periods = [tenants.of(tenant).dedicated for tenant in only.tenants]
        begin_ms = min(period.begin_ms for period in periods if period is not None)
        changes["start_from"] = (_EPOCH + timedelta(milliseconds=begin_ms)).isoformat()
    return settings.model_copy(update=changes)
