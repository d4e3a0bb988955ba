"""How gunicorn serves us: `gunicorn -c python:idp.gunicorn idp.wsgi:application`.

What differs from machine to machine comes from the command line or `WEB_CONCURRENCY`; docs/operations.md says what to
set, decision 0095 why these and no others.
"""

from __future__ import annotations

import os
from pathlib import Path

bind = "127.0.0.1:8000"
workers = int(os.environ.get("WEB_CONCURRENCY", 2 * len(os.sched_getaffinity(0))))
# Threads keep connections of proxies open, and answer one request while another waits for the database.
worker_class = "gthread"
threads = 2
keepalive = 75  # seconds; longer than proxies keep idle connections (nginx: 60), so that they end them and not we

# A worker whose loop says nothing for this long is ended.
timeout = 30
# At TERM, workers take no new requests and have this long to finish those they have.
graceful_timeout = 30

# The longest URI is an authorization request: MAX_QUERY bytes of query (clients/endpoints/authorize.py) and the rest of
# its line. What is longer gunicorn refuses with 4xx. Bodies are limited by DATA_UPLOAD_MAX_MEMORY_SIZE.
limit_request_line = 8190
limit_request_fields = 64
limit_request_field_size = 8190

# Workers share nothing: each opens its own database connections and reads its own keys.
preload_app = False
# Heartbeats are times of a file. On a disk that is busy a healthy worker would be taken for a dead one.
_memory = Path("/dev/shm")  # noqa: S108 - gunicorn makes an unlinked file of its own there
worker_tmp_dir = str(_memory) if _memory.is_dir() else None
# IDP_TRUSTED_PROXIES says whose word on the caller counts, IDP_ISSUER that people come by https: here no header counts.
forwarded_allow_ips = ""
secure_scheme_headers: dict[str, str] = {}
forwarder_headers = ""  # over a Unix socket gunicorn believes everybody
control_socket_disable = True  # signals manage it; a second way in is one to guard
proc_name = "vestibule"
