"""Matrix Synapse: signing in, and signing out at the provider, which ends the Matrix session."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests

from tests.foreign.programs import environments
from tests.foreign.programs.recipes import SECRET, Place
from tests.foreign.programs.running import finished, running
from tests.foreign.programs.sign_out import sign_out_at_the_provider
from tests.foreign.programs.visitor import Visitor

pytestmark = [pytest.mark.foreign, pytest.mark.programs, pytest.mark.django_db(transaction=True)]
AROUND = """
server_name: wiki.example
public_baseurl: "{app}/"
listeners: [{{port: {port}, type: http, bind_addresses: ["127.0.0.1"], resources: [{{names: [client]}}]}}]
database: {{name: sqlite3, args: {{database: homeserver.db}}}}
signing_key_path: signing.key
media_store_path: media
macaroon_secret_key: of-this-server-alone
report_stats: false
trusted_key_servers: []
sso: {{client_whitelist: ["{app}/"]}}
"""


@pytest.fixture
def server(place: Place) -> Iterator[str]:
    told = f"{place.app}/_synapse/client/oidc/backchannel_logout"
    place.register("/_synapse/client/oidc/callback", backchannel_logout_uri=told)
    place.save("wiki.secret", SECRET)
    around = AROUND.format(app=place.app, port=place.port)
    place.save("homeserver.yaml", around + place.recipe("homeserver.yaml"))
    command: list[str | Path] = [
        environments.python("synapse"),
        "-m",
        "synapse.app.homeserver",
        "--config-path",
        "homeserver.yaml",
    ]
    finished([*command, "--generate-keys"], place.folder)
    with running(command, place.folder, place.port):
        yield f"{place.app}/_matrix/client"


def test_somebody_signs_in_and_is_signed_out_with_the_provider(place: Place, server: str, visitor: Visitor) -> None:
    after = f"{server}/versions"
    visitor.sign_in(f"{server}/v3/login/sso/redirect/oidc-vestibule?redirectUrl={after}")
    assert visitor.address.startswith(after)
    (token,) = parse_qs(urlsplit(visitor.address).query)["loginToken"]
    sent = {"type": "m.login.token", "token": token}
    session = requests.post(f"{server}/v3/login", json=sent, timeout=30).json()
    assert session["user_id"] == "@owner:wiki.example"
    headers = {"Authorization": f"Bearer {session['access_token']}"}

    def ask(path: str) -> Any:
        return requests.get(f"{server}/v3/{path}", headers=headers, timeout=30)

    assert ask("account/whoami").json()["user_id"] == "@owner:wiki.example"
    assert ask("profile/@owner:wiki.example/displayname").json() == {"displayname": "Olive Owner"}
    sign_out_at_the_provider(place, visitor)
    assert ask("account/whoami").status_code == 401
