"""The chapter of docs/operations.md on configuration in git is what happens."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.utils import timezone

from accounts.models import User
from clients.models import Authorization, Client
from idp.configuration import apply
from tests.idp.test_configuration_documented import PAGE
from tests.idp.transcripts import Terminal, differences, shown

ACME = """\
version: 1
users: [{username: dana}]
projects:
  - id: acme
    name: Acme
    apis:
      - identifier: https://api.acme.example/orders
        name: Orders
        scopes: {orders.read: See your orders}
    clients:
      - client_id: web
        client_name: Acme on the web
        client_secret: given
        grant_types: [authorization_code]
        redirect_uris: [https://www.acme.example/callback]
        scope: openid orders.read
        audience: [https://api.acme.example/orders]
      - client_id: batch
        token_endpoint_auth_method: none
        grant_types: [authorization_code]
        redirect_uris: [https://batch.acme.example/callback]
"""


@pytest.mark.django_db
def test_the_transcript_is_what_happens(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    apply(ACME)
    monkeypatch.setenv("WEB_SECRET", "given")
    dana, batch = User.objects.get(), Client.objects.get(client_id="batch")
    for _each in range(2):
        Authorization.objects.create(user=dana, client=batch, auth_time=timezone.now())
    file = tmp_path / "acme.yaml"

    def written(old: str, new: str) -> None:
        text = file.read_text()
        assert text.count(old) == 1
        file.write_text(text.replace(old, new))

    def without_batch() -> None:
        head, rest = file.read_text().split("      - client_id: batch\n")
        file.write_text(f"{head}{rest[rest.index('      - client_id: web') :]}")

    deeds = {
        "The scope offline_access is added to the client web in acme.yaml.": lambda: written(
            "scope: openid orders.read", "scope: openid offline_access orders.read"
        ),
        "It is taken out again.": lambda: written(" offline_access orders", " orders"),
        "Somebody switches PKCE off in the console.": lambda: _without_pkce(),
        "The client batch is taken out of acme.yaml.": without_batch,
    }
    page = PAGE.split("\n## Configuration in git\n")[1].split("\n## ")[0]
    assert len(list(shown(page))) > len(deeds)
    assert "\n\n".join(differences(page, Terminal(tmp_path, monkeypatch), deeds)) == ""


def _without_pkce() -> None:
    Client.objects.filter(client_id="web").update(require_pkce=False)
