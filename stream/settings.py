"""All settings: environment `SWITCHBOARD_*`, a TOML file, or flags in; one frozen object out, read once in `stream.cli`.

Precedence: flag > environment > file. The file is `switchboard.toml` in the working folder, or what
`SWITCHBOARD_CONFIG` names. `switchboard config show` prints every value and where it came from.
"""

import os
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import Field, SecretStr, ValidationError, model_validator
from pydantic_settings import (
    BaseSettings,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from stream.errors import SettingsError

ENV_PREFIX = "SWITCHBOARD_"
MEBI = 1024 * 1024
SkippableKind = Literal["reply", "auto_reply", "bounce", "bulk", "notification"]  # not `message`
MAX_INPUT_BYTES = 16 * MEBI
MAX_DEAD_LETTER_BYTES = 17 * MEBI
MAX_REQUEST_BYTES = 18 * MEBI


def config_file() -> Path:
    """The TOML file that is read when it exists."""
    return Path(os.environ.get(f"{ENV_PREFIX}CONFIG", "switchboard.toml"))


class Settings(BaseSettings):
    """Every setting of every process, with its bound. Fields without a sentence do not exist."""

    model_config = SettingsConfigDict(env_prefix=ENV_PREFIX, frozen=True, extra="forbid")

    kafka_bootstrap_servers: str = Field(
        "localhost:9092", description="Kafka's addresses, `host:port,…`."
    )
    kafka_security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = Field(
        "PLAINTEXT", description="How to talk to Kafka."
    )
    kafka_sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = Field(
        "SCRAM-SHA-512", description="SASL mechanism, read with SASL_PLAINTEXT and SASL_SSL."
    )
    kafka_sasl_username: str | None = Field(None, description="SASL user.")
    kafka_sasl_password: SecretStr | None = Field(
        None, description="SASL password; shown masked everywhere."
    )
    kafka_ssl_ca_file: Path | None = Field(
        None, description="PEM of the authority that signed the brokers; unset: the system's."
    )
    kafka_ssl_cert_file: Path | None = Field(
        None, description="PEM of this client's certificate (mTLS)."
    )
    kafka_ssl_key_file: Path | None = Field(None, description="PEM of this client's key (mTLS).")
    kafka_ssl_key_password: SecretStr | None = Field(
        None, description="Password of the client's key."
    )
    kafka_connect_timeout_s: float = Field(
        60,
        gt=0,
        le=3600,
        description="How long a start waits for Kafka before it gives up with exit code 1.",
    )

    group_id: str = Field(
        "switchboard", min_length=1, max_length=200, description="Consumer group of the workers."
    )
    start_from: str = Field(
        "earliest",
        description="Where a new group begins: `earliest`, `latest` or an RFC 3339 time with zone.",
    )
    on_expired_records: Literal["stop", "continue"] = Field(
        "stop",
        description="When the broker deleted records before they were read: stop with exit code 1, or count them and continue.",
    )
    topic_prefix: str = Field(
        "",
        max_length=100,
        pattern=r"^[A-Za-z0-9._-]*$",
        description="Put in front of every topic name.",
    )
    create_topics: bool = Field(True, description="Create missing topics at start.")
    topic_partitions: int = Field(
        4, ge=1, le=10_000, description="Partitions of topics that are created."
    )
    allow_single_replica: bool = Field(
        False, description="Accept created topics with one replica on a cluster of several brokers."
    )
    cleaned_retention_days: int = Field(
        90, ge=1, description="Retention of `cleaned-emails` (personal data) when created."
    )
    dead_letter_retention_days: int = Field(
        30, ge=1, description="Retention of `dead-letters` when created."
    )

    models_dir: Path = Field(
        Path("~/.local/share/switchboard/models"),
        description="Where model bundles live: `MODELS_DIR/NAME/VERSION/`.",
    )
    mlflow_tracking_uri: str | None = Field(
        None,
        description="Where MLflow is told of trainings and approvals: `sqlite:///runs.db` (no server) or a server's address.",
    )
    notify: str | None = Field(
        None, description="Told when a training ends: an https address, or a command."
    )
    execution_providers: str = Field(
        "auto",
        description="`auto` (TensorRT, CUDA, CPU, as available) or a comma list of `tensorrt`, `cuda`, `cpu`; a named one that cannot be had is a refusal to start.",
    )
    max_batch_tokens: int | None = Field(
        None,
        ge=16,
        le=1_048_576,
        description="Rows × longest row of one run; unset: what suits the device (256 on CPU, 16384 on a GPU).",
    )
    encode_threads: int | None = Field(
        None,
        ge=1,
        le=256,
        description="Runs side by side on CPU, one thread each; unset: the cores this process may use.",
    )

    window_target_ms: float = Field(
        100,
        ge=1,
        le=10_000,
        description="Estimated device time of one window, the unit of a transaction; behind a long queue up to four times that.",
    )
    max_window_records: int = Field(512, ge=1, le=10_000, description="Most records in one window.")
    max_window_bytes: int = Field(
        8 * MEBI, ge=1024, description="Most raw bytes in one window; one record always fits."
    )
    bulk_turn: int = Field(
        20, ge=2, le=1000, description="While live mail waits, one window in this many is bulk."
    )
    worker_slot: int | None = Field(
        None,
        ge=0,
        le=99_999,
        description="An integer a restarted worker keeps (static membership, fixed transactional id: quick takeover); unset: dynamic membership.",
    )
    transaction_timeout_ms: int = Field(
        10_000,
        ge=1_000,
        le=900_000,
        description="After this long Kafka aborts a dead worker's transaction.",
    )
    drain_timeout_s: float = Field(
        6, gt=0, le=600, description="On SIGTERM: how long windows in progress may take to commit."
    )
    watchdog_s: float = Field(
        120,
        ge=5,
        le=3600,
        description="Records waiting and nothing committed for this long: the process ends with 1.",
    )

    skip_kinds: Annotated[frozenset[SkippableKind], NoDecode] = Field(
        frozenset({"reply", "auto_reply", "bounce", "bulk", "notification"}),
        description="Kinds of mail that are not classified: a comma list of `reply`, `auto_reply`, `bounce`, `bulk`, `notification`; empty: classify everything.",
    )
    tenants_file: Path = Field(
        Path("tenants.toml"),
        description="What differs by tenant: boilerplate, kinds, languages, model, abstention, consent; read again when it changes. The default may be missing, a file that is named may not.",
    )
    clean_time_budget_ms: float = Field(
        250,
        gt=0,
        le=10_000,
        description="Most time to clean one mail; past it the fenced raw text is used and counted.",
    )

    churn_silent_s: float = Field(
        7200,
        gt=0,
        le=604_800,
        description="A call that nobody spoke in for this long has ended.",
    )
    churn_ended_keep_s: float = Field(
        86_400,
        gt=0,
        le=2_592_000,
        description="How long an ended call is remembered, so that a late fragment cannot begin it anew.",
    )

    metrics_host: str = Field("0.0.0.0", description="Address of `/metrics` and `/health`.")  # noqa: S104  # scraped from other hosts
    metrics_port: int = Field(
        9464,
        ge=0,
        le=65_535,
        description="Port of `/metrics` and `/health`; 0: any free one, which is logged.",
    )
    log_format: Literal["auto", "json", "console"] = Field(
        "auto", description="`auto`: colours on a terminal, JSON lines elsewhere."
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="Least level that is written."
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Flag, then environment, then file."""
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls, config_file())

    @model_validator(mode="before")
    @classmethod
    def _split_kinds(cls, values: dict[str, Any]) -> dict[str, Any]:
        kinds = values.get("skip_kinds")
        if isinstance(kinds, str):
            words = [word.strip() for word in kinds.split(",")]
            return {**values, "skip_kinds": [word for word in words if word]}
        return values

    @model_validator(mode="after")
    def _check_together(self) -> Self:
        if self.start_from not in ("earliest", "latest"):
            self.start_time()
        if self.kafka_security_protocol.startswith("SASL") and not (
            self.kafka_sasl_username and self.kafka_sasl_password
        ):
            raise ValueError(
                f"kafka_security_protocol={self.kafka_security_protocol} needs kafka_sasl_username and kafka_sasl_password"
            )
        if (self.kafka_ssl_key_file is None) != (self.kafka_ssl_cert_file is None):
            raise ValueError(
                "kafka_ssl_cert_file and kafka_ssl_key_file belong together; give both or none"
            )
        return self

    def start_time(self) -> datetime | None:
        """Where a new group begins, as a time; None for `earliest` and `latest`."""
        if self.start_from in ("earliest", "latest"):
            return None
        try:
            moment = datetime.fromisoformat(self.start_from)
        except ValueError:
            raise ValueError(
                f"start_from={self.start_from!r} is not earliest, latest or an RFC 3339 time"
            ) from None
        if moment.tzinfo is None:
            raise ValueError(
                f"start_from={self.start_from!r} has no zone; write 2026-01-31T08:00:00Z"
            )
        return moment

    def topic(self, name: str) -> str:
        """The topic's name on this cluster."""
        return f"{self.topic_prefix}{name}"

    @property
    def models_path(self) -> Path:
        """`models_dir` with `~` resolved."""
        return self.models_dir.expanduser()

    @property
    def tenants_path(self) -> Path:
        """`tenants_file` with `~` resolved."""
        return self.tenants_file.expanduser()


def load_settings(**flags: Any) -> Settings:
    """Read flags, environment and file; None among the flags means not given.

    Raises:
        SettingsError: names each wrong setting, its value and what is allowed.
    """
    given = {name: value for name, value in flags.items() if value is not None}
    if not config_file().exists() and f"{ENV_PREFIX}CONFIG" in os.environ:
        raise SettingsError(
            f"{ENV_PREFIX}CONFIG={config_file()} does not exist; name a TOML file, or unset it"
        )
    try:
        return Settings(**given)
    except ValidationError as error:
        wrong = [
            f"{'.'.join(str(part) for part in item['loc']) or 'settings'}: {item['msg']} (given: {_shown(item)})"
            for item in error.errors()
        ]
        raise SettingsError("; ".join(wrong)) from None
    except (ValueError, OSError) as error:  # an unreadable TOML file
        raise SettingsError(f"{config_file()}: {error}") from None


def _shown(item: Any) -> str:
    if any("password" in str(part) for part in item["loc"]) or not item["loc"]:
        return "not shown"
    return repr(item["input"])
