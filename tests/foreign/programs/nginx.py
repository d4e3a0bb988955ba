"""nginx with the blocks of docs/operations.md."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.foreign.programs.running import running
from tests.installation import ROOT

NGINX = Path("/usr/sbin/nginx")  # where Debian's packages put it
PAGE = (ROOT / "docs" / "operations.md").read_text()
# An app of its own beside it, whose address is as long as codes make it. All else is nginx's default.
AROUND = """
daemon off;
pid {folder}/nginx.pid;
error_log stderr;
{user}
events {{}}
http {{
    access_log off;
    client_body_temp_path {folder}/bodies;
    proxy_temp_path {folder}/answers;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    {more}
    server {{ listen 127.0.0.1:{app}; large_client_header_buffers 4 32k; location / {{ return 200 "hello"; }} }}
    {upstream}
    server {{
        listen 127.0.0.1:{port};
        {location}
    }}
}}
"""


def block(heading: str, first: str) -> str:
    """The lines of the page below this heading, from one that begins so until the end of the block."""
    below = PAGE.partition(f"\n{heading}\n")[2]
    found = re.search(rf"^{re.escape(first)}.*?^}}$", below, re.MULTILINE | re.DOTALL)
    assert found, f"no such block below {heading}"
    return found[0]


@contextmanager
def nginx(folder: Path, port: int, app: int, location: str, upstream: str = "", more: str = "") -> Iterator[None]:
    written = folder / "nginx.conf"
    user = "user root;" if folder.owner() == "root" else ""
    around = {"folder": folder, "user": user, "more": more, "app": app, "port": port}
    written.write_text(AROUND.format(location=location, upstream=upstream, **around))
    with running([NGINX, "-p", folder, "-c", written], folder, port):
        yield
