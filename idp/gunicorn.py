"""How gunicorn serves us: `gunicorn -c python:idp.gunicorn idp.wsgi:application`.

What a machine has to decide comes from the command line or the environment: `--bind`, `WEB_CONCURRENCY` (workers).
The choice of workers is decision 0095; operations.md says what to set.
"""

from __future__ import annotations

import os
from pathlib import Path

bind = "127.0.0.1:8000"
workers = int(os.environ.get("WEB_CONCURRENCY", 2 * len(os.sched_getaffinity(0))))
# Threads keep a worker's connections from proxies open; the database connection of each stays open as well.
worker_class = "gthread"
threads = 2
keepalive = 75  # seconds; longer than proxies keep an idle connection (nginx: 60), so that they end it, not we

# A worker that says nothing for this long is ended. The longest honest request is a slow password hash.
timeout = 30
# At TERM (or HUP) a worker takes no more requests and finishes those it has.
graceful_timeout = 30
# Workers are replaced once in a while, not all at once: whatever grows in them ends.
max_requests = 100_000
max_requests_jitter = 10_000

# The longest URI of ours is an authorization request: clients/endpoints/authorize.py takes MAX_QUERY bytes of query.
# Beyond these limits gunicorn answers 4xx itself. Bodies are limited by settings.DATA_UPLOAD_MAX_MEMORY_SIZE.
limit_request_line = 8190
limit_request_fields = 64
limit_request_field_size = 8190

# Nothing is shared between workers: each opens its own database connections and parses its own keys.
preload_app = False
# Heartbeats are file times; on a disk that is busy a healthy worker would be taken for a dead one.
worker_tmp_dir = "/dev/shm" if Path("/dev/shm").is_dir() else None  # noqa: S108 - not ours to fill, gunicorn unlinks
# Who calls is decided by IDP_TRUSTED_PROXIES, that it was https by IDP_ISSUER: no header is believed here.
forwarded_allow_ips = ""
secure_scheme_headers: dict[str, str] = {}
# No second way in to manage workers: signals do that.
control_socket_disable = True
# The proxy's access log is enough, and has no second copy of addresses.
accesslog = None
errorlog = "-"
proc_name = "vestibule"
