"""What a developer copies from the page of an app: registered in the console and read out of its HTML."""

from __future__ import annotations

import re
import subprocess
from dataclasses import dataclass
from html import unescape
from pathlib import Path
from urllib.parse import unquote

from django.test import Client as Http

from accounts.models import User
from tests.console import page, send
from tests.world import ORDERS

READ = f"{ORDERS} orders.read"
SOURCE = 'set -a; . ./app.env; set +a; exec "$@"'  # as people load such a file


@dataclass
class Copied:
    """The files of one program, and the variables, in the folder of whoever runs it."""

    folder: Path
    html: str

    def save(self, key: str) -> list[str]:
        """The program of this tab; the names of its files."""
        [panel] = re.findall(rf'id="snippet-{key}">(.*?)(?:<input type="radio"|</section>)', self.html, re.DOTALL)
        files = re.findall(
            r'<bdi class="code">([^<]+)</bdi>\s*</p>\s*<pre[^>]*><code[^>]*>(.*?)</code>', panel, re.DOTALL
        )
        for name, text in files:
            (self.folder / name).parent.mkdir(parents=True, exist_ok=True)
            (self.folder / name).write_text(unescape(text))
        assert files, panel
        return [name for name, _text in files]

    @property
    def environ(self) -> dict[str, str]:
        """What the file says, as a shell reads it."""
        said = self.run("env").stdout
        return dict(line.split("=", 1) for line in said.splitlines() if line.startswith("OIDC_"))

    def run(self, *command: str, said: str = "", **environ: str) -> subprocess.CompletedProcess[str]:
        """A program that ends by itself, started beside the file of variables."""
        done = subprocess.run(
            ["sh", "-c", SOURCE, "sh", *command],
            cwd=self.folder,
            env={"PATH": PATH, "HOME": str(self.folder), **environ},
            input=said,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done


PATH = subprocess.run(["sh", "-c", 'printf %s "$PATH"'], capture_output=True, text=True, check=True).stdout


def registered(folder: Path, **said: object) -> Copied:
    """An app of three answers, made by a superuser in the console; its page with the secret is what is copied."""
    http, root = Http(), User.objects.filter(username="root").first()
    http.force_login(root or User.objects.create_superuser("root", "root@people.example", "root-pw"))
    where = f"{page('clients_client_new')}?project=acme"
    answer = send(http, where, {"name": "Shop", "permissions": READ, **said})
    shown = answer if answer.status_code == 200 else http.get(answer["Location"])
    html = shown.content.decode()
    link = re.search(r'href="(?:data:text/plain;charset=utf-8,)([^"]*)" download="shop.env"', html)
    file = unquote(unescape(link[1])) if link else http.get(f"{answer['Location']}env/").content.decode()
    (folder / "app.env").write_text(file)
    return Copied(folder, html)
