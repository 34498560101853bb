"""The tenants file in, which consumer group answers which input out: to the proof. Decides as the workers do; pure."""

from collections.abc import Sequence

from stream.dedication import group_of, left_to
from stream.errors import FatalError, PoisonRecordError
from stream.records import decode_inbound_email
from stream.tenants import Period, Tenants

GENERAL = 0  # place of the group that answers all that is not left to dedicated workers
MOST_GROUPS = 256  # a byte per input record says its group


class Groups:
    """Every group that may have answered something; without dedicated workers that is one.

    `ids`: the general group, then the dedicated ones. `periods`: of each dedicated one, when its mail comes.

    Args:
        group_id: of the workers that are not dedicated.
        tenants: the file that all workers decide by.

    Raises:
        FatalError: there are more than `MOST_GROUPS`.
    """

    def __init__(self, group_id: str, tenants: Tenants) -> None:
        self._tenants = tenants
        periods: dict[str, list[Period]] = {}
        for tenant, own in tenants.by_name.items():
            if own.dedicated is not None:
                periods.setdefault(tenants.team_of(tenant), []).append(own.dedicated)
        self._numbers = {name: number for number, name in enumerate(periods, GENERAL + 1)}
        self.periods = tuple(map(_around, periods.values()))
        self.ids = (group_id, *(group_of(group_id, name) for name in periods))
        if len(self.ids) > MOST_GROUPS:
            raise FatalError(
                f"the tenants file names {len(periods)} groups of dedicated workers, {MOST_GROUPS - 1} can be told "
                "apart; let tenants share one (dedicated_to), or take out those whose time is long over"
            )

    def number_of(self, value: bytes | None, appended_ms: int) -> int:
        """The place in `ids` of the group that answers an e-mail record; one that cannot be read is the general ones'.

        Args:
            value: the record's.
            appended_ms: its Kafka time.
        """
        if not any(period.holds(appended_ms) for period in self.periods):
            return GENERAL
        try:
            tenant = decode_inbound_email(value).tenant
        except PoisonRecordError:
            return GENERAL
        name = left_to(self._tenants, tenant, appended_ms)
        return GENERAL if name is None else self._numbers[name]


def _around(periods: Sequence[Period]) -> Period:
    """From the first beginning until the last end."""
    ends = [period.until_ms for period in periods if period.until_ms is not None]
    return Period(
        min(period.begin_ms for period in periods),
        max(ends) if len(ends) == len(periods) else None,
    )
