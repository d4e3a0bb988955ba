"""google-auth-oauthlib, the way of Google's own samples: apps on somebody's machine, and web apps."""

from __future__ import annotations

import json
import re
import subprocess
from typing import Any

import pytest
import requests

from accounts.models import User
from tests.foreign.person import sign_in_and_allow
from tests.foreign.programs import environments
from tests.foreign.programs.recipes import SECRET, Place
from tests.foreign.programs.running import talking
from tests.foreign.programs.visitor import Visitor

pytestmark = [pytest.mark.foreign, pytest.mark.programs, pytest.mark.django_db(transaction=True)]


def userinfo(issuer: str, token: str) -> Any:
    headers = {"Authorization": f"Bearer {token}"}
    return requests.get(f"{issuer}/oauth2/userinfo", headers=headers, timeout=30).json()


def told(process: subprocess.Popen[str], place: Place) -> Any:
    """The last thing it says, once it has ended well."""
    output, _none = process.communicate(timeout=60)
    assert process.returncode == 0, (place.folder / "said.log").read_text()[-1000:]
    return json.loads(output.splitlines()[-1])


@pytest.mark.parametrize(
    ("host", "secret"),
    [
        pytest.param("localhost", "", id="as documented"),
        pytest.param("127.0.0.1", "", id="by number"),
        pytest.param("127.0.0.1", SECRET, id="by number, with a secret"),
    ],
)
def test_an_installed_app_signs_somebody_in(place: Place, visitor: Visitor, host: str, secret: str) -> None:
    public = {"client_secret_from": None, "token_endpoint_auth_method": "none"}
    place.register("", redirect_uris=[f"http://{host}/"], **({} if secret else public))
    program = place.recipe("google_installed.py")
    for documented, here in {
        "port=0": f'host="{host}", port=0',
        '"client_secret": ""': f'"client_secret": "{secret}"',
    }.items():
        assert documented in program
        program = program.replace(documented, here)
    place.save("google_installed.py", program)
    python = environments.python("google_auth_oauthlib")
    with talking([python, "google_installed.py"], place.folder) as process:
        assert process.stdout
        found = re.search(r"http://\S+", process.stdout.readline())
        assert found, (place.folder / "said.log").read_text()
        assert visitor.go(found[0]).status_code == 200, "the request is taken"
        visitor.prove_and_allow()
        answer = told(process, place)
    sub = str(User.objects.get(username="owner").sub)
    assert (answer["sub"], answer["email"]) == (sub, "owner@people.example")
    assert userinfo(place.issuer, answer["token"])["sub"] == sub, "the refreshed token works"


def test_a_web_app_signs_somebody_in(place: Place) -> None:
    place.register("/callback")
    place.save("google_web.py")
    python = environments.python("google_auth_oauthlib")
    with talking([python, "google_web.py"], place.folder, **place.environ) as process:
        assert process.stdout
        assert process.stdin
        back = sign_in_and_allow(process.stdout.readline().strip())
        assert back.startswith(f"{place.app}/callback?")
        process.stdin.write(f"{back}\n")
        process.stdin.flush()
        answer = told(process, place)
    assert userinfo(place.issuer, answer["token"])["email"] == "owner@people.example"
