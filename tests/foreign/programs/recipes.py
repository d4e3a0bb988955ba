"""What docs/integrate.md shows for programs of others, as the tests run it: only addresses are changed."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from idp.configuration import apply
from tests.foreign.apache import free_port
from tests.verifier.documented import EXAMPLES

ISSUER, APP = "http://localhost:8000", "http://127.0.0.1:8765"
SECRET = "the-secret-of-the-wiki"


@dataclass
class Place:
    """A provider, a program that shall use it, and the folder the program lives in."""

    issuer: str
    folder: Path
    host: str = "127.0.0.1"
    port: int = field(default_factory=free_port)

    @property
    def app(self) -> str:
        return f"http://{self.host}:{self.port}"

    @property
    def environ(self) -> dict[str, str]:
        return {"ISSUER": self.issuer, "WIKI_SECRET": SECRET}

    def recipe(self, name: str) -> str:
        """The example of the page, for this provider and this program."""
        return EXAMPLES[name].replace(ISSUER, self.issuer).replace(APP, self.app).replace("8765", str(self.port))

    def save(self, name: str, text: str = "") -> Path:
        path = self.folder / name
        path.write_text(text or self.recipe(name))
        return path

    def register(self, path: str, **changed: Any) -> None:
        """The client of the page, with the redirect URI that this program has. None takes a field away."""
        told = yaml.safe_load(EXAMPLES["wiki.yaml"])
        (project,) = told["projects"]
        (client,) = project["clients"]
        client.update({"redirect_uris": [f"{self.app}{path}"], **changed})
        project["clients"] = [{name: value for name, value in client.items() if value is not None}]
        apply({**told, "projects": [project]}, path="wiki.yaml", environ=self.environ)
