"""What docs/integrate.md shows for programs of others, as the tests run it: only addresses are changed."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import requests
import yaml

from idp.configuration import apply
from tests.foreign.apache import free_port
from tests.foreign.person import sign_in_and_allow
from tests.verifier.documented import EXAMPLES
from tests.world import CHALLENGE, VERIFIER

ISSUER, APP = "localhost:8000", "http://127.0.0.1:8765"
SECRET, API_SECRET = "the-secret-of-the-wiki", "the-secret-of-its-pages"


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
        return {"WIKI_SECRET": SECRET, "WIKI_API_SECRET": API_SECRET}

    def recipe(self, name: str) -> str:
        """The example of the page, for this provider and this program."""
        text = re.sub(r"\b8765\b", str(self.port), EXAMPLES[name].replace(APP, self.app))
        return text.replace(ISSUER, self.issuer.removeprefix("http://"))

    def save(self, name: str, text: str = "") -> Path:
        path = self.folder / name
        path.write_text(text or self.recipe(name))
        return path

    def register(self, path: str, **changed: Any) -> None:
        """The client of the page, with the redirect URI that this program has. None takes a field away."""
        told = yaml.safe_load(self.recipe("wiki.yaml"))
        (client,) = told["projects"][0]["clients"]
        client.update({"redirect_uris": [f"{self.app}{path}"], **changed})
        for name in [name for name, value in client.items() if value is None]:
            del client[name]
        apply(told, path="wiki.yaml", environ=self.environ)

    def register_api(self, **changed: Any) -> str:
        """The API of the page and who asks about its tokens; its identifier."""
        told = yaml.safe_load(self.recipe("wiki-api.yaml"))
        (api,) = told["projects"][0]["apis"]
        api.update(changed)
        apply(told, path="wiki-api.yaml", environ=self.environ)
        return str(api["identifier"])

    def tokens(self, scope: str, **more: str) -> dict[str, Any]:
        """What the client of the page gets for somebody who signs in and allows."""
        back = f"{self.app}/callback"
        query = {"response_type": "code", "client_id": "wiki", "redirect_uri": back, "scope": scope, **more}
        query |= {"code_challenge": CHALLENGE, "code_challenge_method": "S256"}
        answer = sign_in_and_allow(f"{self.issuer}/oauth2/authorize?{urlencode(query)}")
        code = parse_qs(urlsplit(answer).query)["code"][0]
        return self.token(grant_type="authorization_code", code=code, redirect_uri=back, code_verifier=VERIFIER)

    def token(self, client_id: str = "wiki", secret: str = SECRET, **form: str) -> dict[str, Any]:
        answer = requests.post(f"{self.issuer}/oauth2/token", form, auth=(client_id, secret), timeout=30)
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found
