"""Sets up logging: structlog for ours, the same form for what libraries log, to stderr.

Events are names in snake_case (`mail_bounced`), their facts are keys (`delivery_id`, `campaign_id`, `reason`). No event
holds an address. What is logged for a request carries its `request_id`, for a Celery task its `task_id`.
"""

from __future__ import annotations

import logging
import sys
from typing import TYPE_CHECKING

import structlog

if TYPE_CHECKING:
    from structlog.typing import Processor


class _WithoutRowDetails:
    """Renders tracebacks without values and without PostgreSQL's row details: addresses must not get into logs."""

    def __call__(self, _logger: object, _method: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
        event = structlog.processors.format_exc_info(_logger, _method, event)
        if isinstance(trace := event.get("exception"), str):
            lines = trace.split("\n")
            event["exception"] = "\n".join(line for line in lines if not line.lstrip().startswith("DETAIL:"))
        return event


def configure_logging(level: str = "info", style: str = "console") -> None:
    """Log what is at least of a `level` (debug, info, warning, error), as lines for people or JSON (`style`).

    Libraries say what they have to from "warning" on, whatever the level.
    """
    least = logging.getLevelNamesMapping()[level.upper()]
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _WithoutRowDetails(),
    ]
    renderer: Processor = (
        structlog.processors.JSONRenderer()
        if style == "json"
        else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    )
    structlog.configure(
        processors=[*shared, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(least),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    handler = logging.StreamHandler()
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.add_logger_name, *shared],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    logging.basicConfig(level=max(least, logging.WARNING), handlers=[handler], force=True)
