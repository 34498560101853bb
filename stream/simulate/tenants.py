"""The business customers of the built-in world: their products, label sets and structured attribute.

Pure data for `pen` and `letters`; knows nothing of texts.
"""

from collections.abc import Mapping
from dataclasses import dataclass

_SHARED_TOPICS = ("invoice", "access", "cancellation", "data_change")
_SHARED_TAGS = ("refund", "callback", "deadline", "angry", "repeat_contact", "document")
# Weights of (low, normal, high): what the matter itself says before the writer stresses anything.
PRIORITY_WEIGHTS: Mapping[str, tuple[int, int, int]] = {
    "fraud": (0, 2, 8),
    "outage": (1, 3, 6),
    "bug": (1, 5, 4),
    "access": (1, 6, 3),
    "data_change": (6, 4, 0),
    "feature_request": (8, 2, 0),
    "licence": (3, 5, 2),
}
USUAL_WEIGHTS = (3, 6, 1)


@dataclass(frozen=True)
class Tenant:
    """A business customer of the world: its own label set beside the shared topics and tags."""

    name: str
    company: str
    topics: tuple[str, ...]
    tags: tuple[str, ...]
    products: tuple[str, ...]
    attribute: str
    attribute_values: tuple[str, ...]

    def desk(self, topic: str, attribute_value: str) -> str:
        """Who works on it: one desk for what every business has, for its own matters one per attribute value.

        The text of a mail does not say which: a model must read the attribute.
        """
        if topic in _SHARED_TOPICS:
            return "service"
        return attribute_value.lower().replace(" ", "_")


TENANTS: tuple[Tenant, ...] = (
    Tenant(
        "nordbank",
        "Nordbank",
        (*_SHARED_TOPICS, "card", "transfer", "fraud", "loan"),
        (*_SHARED_TAGS, "legal"),
        ("GiroPlus", "TagesgeldFlex", "DepotDirekt", "GoldCard"),
        "custodian_bank",
        ("Hansa Depotbank", "Alpina Custody", "Rhein Verwahrstelle"),
    ),
    Tenant(
        "telvia",
        "Telvia",
        (*_SHARED_TOPICS, "outage", "roaming", "device"),
        (*_SHARED_TAGS, "legal", "praise"),
        ("SurfHome 250", "MobilPlus L", "Fibre 1000", "TalkFlat"),
        "line",
        ("fibre", "cable", "dsl", "mobile"),
    ),
    Tenant(
        "codewerk",
        "Codewerk",
        (*_SHARED_TOPICS, "bug", "licence", "feature_request"),
        (*_SHARED_TAGS, "praise"),
        ("OrderDesk", "Lagerpilot", "TimeSheet Pro", "FacturaNet"),
        "edition",
        ("Basic", "Standard", "Pro", "Enterprise"),
    ),
)
ATTRIBUTES = tuple(tenant.attribute for tenant in TENANTS)
PRIORITIES = ("low", "normal", "high")
