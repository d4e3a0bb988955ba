"""How the log looks: lines for people or JSON for programs, and no traceback where the cause is not in the code."""

from __future__ import annotations

import json
import logging
import re
from datetime import UTC, datetime

from common.arrival import current

MAX_HOST = 100  # characters
_KEY_OF_A_MAIL = re.compile(r'(/accounts/(?:password/reset/key|confirm-email|invitation)/)[^\s?"\\]+')


def without_keys(line: str) -> str:
    """Django names the path of what failed. Whoever reads there what a mail holds could set somebody's password."""
    return _KEY_OF_A_MAIL.sub(r"\1...", line)


class TextFormatter(logging.Formatter):
    """A line that begins with the time and ends with the id of the request, if one is being answered."""

    def __init__(self) -> None:
        super().__init__("{asctime} {levelname} {name} {message}", style="{")

    def format(self, record: logging.LogRecord) -> str:
        return without_keys(super().format(record))

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - logging's name
        line, came = super().formatMessage(record), current.get()
        return line if came is None or hasattr(record, "fields") else f"{line} (rid={came.id})"


class JsonFormatter(logging.Formatter):
    """One object per line. What a record of ours says in fields stands beside what every record has."""

    def format(self, record: logging.LogRecord) -> str:
        came = current.get()
        said: dict[str, object] = {
            "ts": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            **({"rid": came.id} if came is not None else {}),
            **(getattr(record, "fields", None) or {"event": "log", "message": record.getMessage()}),
        }
        if record.exc_info:
            said["exception"] = self.formatException(record.exc_info)
        return without_keys(json.dumps(said, ensure_ascii=False))


class DisallowedHostFilter(logging.Filter):
    """Scanners send any Host. Django adds a traceback, and advice on a setting that follows from IDP_ISSUER here."""

    def filter(self, record: logging.LogRecord) -> bool:
        request = getattr(record, "request", None)
        host = request.META.get("HTTP_HOST", "") if request else ""
        record.msg, record.args = "Refused a request for %r: that host is not IDP_ISSUER's.", (host[:MAX_HOST],)
        record.levelno, record.levelname = logging.WARNING, "WARNING"
        record.exc_info = record.exc_text = None
        return True


class DatabaseOutageFilter(logging.Filter):
    """While the database is away every page fails with the same long traceback."""

    def filter(self, record: logging.LogRecord) -> bool:
        from django.db import Error  # settings name this class before Django is ready

        from common.database_errors import is_outage, one_line

        error = record.exc_info[1] if record.exc_info else None
        if isinstance(error, Error) and is_outage(error):
            record.msg, record.args = "%s (the database: %s)", (record.getMessage(), one_line(error))
            record.exc_info = record.exc_text = None
        return True


def drop_thread_count_warning(record: logging.LogRecord) -> bool:
    """granian warns of more threads than cores. Ours mostly wait for the database, and `--threads` sets how many."""
    return "Configuration allows spawning up to" not in record.getMessage()


def server_logging(log_format: str) -> dict[str, object]:
    """The same for granian's own lines, so that who reads objects meets nothing else."""
    return {
        "formatters": {"text": {"()": "idp.logs.TextFormatter"}, "json": {"()": "idp.logs.JsonFormatter"}},
        "handlers": {"console": {"class": "logging.StreamHandler", "formatter": log_format}},
        "loggers": {"_granian": {"handlers": ["console"], "propagate": False}},
    }


def logging_settings(log_format: str, level: str) -> dict[str, object]:
    """Django's LOGGING: everything goes to standard error."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"text": {"()": "idp.logs.TextFormatter"}, "json": {"()": "idp.logs.JsonFormatter"}},
        "handlers": {
            "console": {"class": "logging.StreamHandler", "formatter": log_format},
            "null": {"class": "logging.NullHandler"},
        },
        "filters": {"host": {"()": "idp.logs.DisallowedHostFilter"}, "outage": {"()": "idp.logs.DatabaseOutageFilter"}},
        "root": {"handlers": ["console"], "level": level},
        "loggers": {
            # oauthlib logs codes and tokens in clear at DEBUG, so it is silenced.
            "oauthlib": {"handlers": ["null"], "level": "CRITICAL", "propagate": False},
            "django.security.DisallowedHost": {"filters": ["host"]},
            "django.request": {"filters": ["outage"]},
            # At DEBUG this logs a page's whole context when a name is missing: the URI, a secret that is shown once.
            "django.template": {"level": "INFO"},
        },
    }
