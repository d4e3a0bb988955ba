"""The site, with its database, its key and what its apps hold. It is run by processes of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.installation import KEPT, ROOT


@dataclass
class Site:
    """The old one: its processes' environment, and what its apps hold."""

    folder: Path
    issuer: str
    environment: dict[str, str]
    sign_ins: list[dict[str, str]] = field(default_factory=list)

    database: str = ""

    def __post_init__(self) -> None:
        self.database = self.database or f"sqlite:///{self.folder / 'old.sqlite3'}"

    def run(self, module: str, *arguments: str, stdout: int | None = None) -> subprocess.Popen[str]:
        asked = [sys.executable, "-m", f"tests.idp.toolkit_site.{module}", *arguments]
        return subprocess.Popen(asked, cwd=ROOT, env=self.environment, stdout=stdout, text=True)


def old_site(folder: Path, issuer: str, database: str = "") -> Site:
    key = rsa.generate_private_key(65537, 2048)
    plain = serialization.NoEncryption()
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, plain)
    (folder / "key.pem").write_bytes(pem)
    environment = {name: value for name, value in os.environ.items() if name in KEPT}
    site = Site(folder, issuer, environment, database=database)
    environment |= {"TOOLKIT_SITE_ISSUER": issuer, "TOOLKIT_SITE_KEY": str(folder / "key.pem")}
    environment["TOOLKIT_SITE_DATABASE"] = site.database
    with site.run("fill", stdout=subprocess.PIPE) as filling:
        told, _nothing = filling.communicate(timeout=120)
    assert filling.returncode == 0
    site.sign_ins = json.loads(told)
    return site
