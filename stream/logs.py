"""Log events in, lines out: colours on a terminal, JSON elsewhere. Events are names, facts are keys; no text."""

import json
import logging
import sys
from collections.abc import Mapping
from typing import TextIO

import orjson
import structlog

from stream.kafka.clients import Log, RateLimit
from stream.settings import Settings

# mode logs a service under the name of its module
_NOISY = ("aiokafka", "faust", "mode", "aiohttp.access", "stream")

# What a person must act on, or know when only warnings are kept; everything else is news.
_LEVELS = {
    "deployment_not_read": logging.ERROR,
    "kafka_not_reached": logging.WARNING,
    "model_not_loaded": logging.ERROR,
    "profile_letters_not_written": logging.ERROR,
    "profiles_refused": logging.WARNING,
    "records_expired": logging.ERROR,
    "tenant_rule_without_effect": logging.WARNING,
    "tenants_refused": logging.ERROR,
    "topic_not_read": logging.WARNING,
    "transaction_lost": logging.WARNING,
    "worker_failed": logging.ERROR,
}


def by_event(logger: structlog.typing.FilteringBoundLogger) -> Log:
    """What the rooms call to log: each event at its own level."""

    def log(event: str, **facts: object) -> None:
        logger.log(_LEVELS.get(event, logging.INFO), event, **facts)

    return log


def configure_logs(
    settings: Settings, stream: TextIO | None = None
) -> structlog.typing.FilteringBoundLogger:
    """Send our events and the libraries' warnings to `stream`; returns the process's logger."""
    out = stream or sys.stdout
    as_json = settings.log_format == "json" or (settings.log_format == "auto" and not out.isatty())
    level = logging.getLevelNamesMapping()[settings.log_level.upper()]
    shared: list[structlog.typing.Processor] = [
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
    ]
    renderer: structlog.typing.Processor = (
        structlog.processors.JSONRenderer(serializer=_as_json)
        if as_json
        else structlog.dev.ConsoleRenderer()
    )
    structlog.configure(
        processors=[*shared, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(out),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(out)
    formatter = structlog.stdlib.ProcessorFormatter(
        processor=renderer,
        foreign_pre_chain=[structlog.stdlib.add_logger_name, *shared],
    )
    handler.setFormatter(formatter)
    handler.addFilter(RateLimit())
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)
    for name in _NOISY:
        logging.getLogger(name).setLevel(logging.WARNING)
    return structlog.get_logger()


def _as_json(event: Mapping[str, object], **_: object) -> str:
    try:
        return orjson.dumps(event, default=str, option=orjson.OPT_NON_STR_KEYS).decode()
    except (
        TypeError
    ):  # a lone surrogate, from a path or a foreign error: the line must still come out
        return json.dumps(event, default=str, ensure_ascii=False).encode(errors="replace").decode()
