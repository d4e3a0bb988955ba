"""Log filters: one line instead of a traceback where the cause is not in the code."""

from __future__ import annotations

import logging

MAX_HOST = 100  # characters


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
