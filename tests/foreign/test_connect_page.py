"""What the page of an app shows to copy works as shown: with curl, Python and openid-client.

Programs with a framework are run by programs/test_connect_page.py.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.foreign.copied import Copied, registered
from tests.foreign.person import connect, sign_in_and_allow
from tests.plugins.places import NODE_PACKAGES
from tests.world import ORDERS, App

pytestmark = [pytest.mark.foreign, pytest.mark.django_db(transaction=True)]
SHIM = Path(__file__).with_name("node") / "webcrypto.cjs"
CALLBACK = "http://127.0.0.1:8765/callback"
curl = pytest.mark.skipif(not all(map(shutil.which, ("curl", "openssl"))), reason="needs curl and openssl")


@pytest.fixture
def service(issuer: str, tmp_path: Path) -> Copied:
    return registered(tmp_path, kind="machine")


@pytest.fixture
def checker(issuer: str, tmp_path: Path) -> Copied:
    return registered(tmp_path, kind="api", permissions=[], apis=ORDERS)


@curl
def test_curl_gets_a_token_of_the_app_itself(service: Copied) -> None:
    service.save("curl_own")
    answer = json.loads(service.run("sh", "get_token.sh").stdout)
    assert (answer["scope"], answer["token_type"]) == ("orders.read", "Bearer")


def test_python_gets_a_token_of_the_app_itself(service: Copied) -> None:
    service.save("python_own")
    assert service.run(sys.executable, "get_token.py").stdout.strip()


@pytest.mark.node
def test_node_gets_a_token_of_the_app_itself(service: Copied) -> None:
    service.save("node_own")
    (service.folder / "node_modules").symlink_to(NODE_PACKAGES)
    assert service.run("node", "--require", str(SHIM), "get_token.mjs").stdout.strip()


@curl
@pytest.mark.parametrize("kind", ["web", "spa"])
def test_curl_signs_somebody_in(issuer: str, tmp_path: Path, kind: str) -> None:
    copied = registered(tmp_path, kind=kind, redirect_uris=CALLBACK)
    copied.save("curl")
    with subprocess.Popen(
        ["sh", "-c", "set -a; . ./app.env; set +a; exec sh sign-in.sh"],
        cwd=tmp_path,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as shell:
        assert shell.stdout
        back = sign_in_and_allow(shell.stdout.readline().strip())
        code = dict(pair.split("=", 1) for pair in back.partition("?")[2].split("&"))["code"]
        said, _none = shell.communicate(f"{code}\n", timeout=60)
    answer = json.loads(said)
    assert set(answer["scope"].split()) == {"openid", "profile", "email", "offline_access", "orders.read"}
    assert {"id_token", "refresh_token"} <= answer.keys()


@curl
def test_curl_connects_a_device(issuer: str, tmp_path: Path) -> None:
    copied = registered(tmp_path, kind="device")
    copied.save("curl_device")
    command = ["sh", "-c", "set -a; . ./app.env; set +a; exec sh connect.sh"]
    with subprocess.Popen(command, cwd=tmp_path, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as shell:
        assert shell.stdout
        begun = ""
        while not begun.endswith("}"):
            begun += shell.stdout.read(1)
        asked = json.loads(begun)
        connect(asked["verification_uri_complete"])
        said, _none = shell.communicate(f"{asked['device_code']}\n", timeout=60)
    assert "id_token" in json.loads(said)


# --- An API that checks tokens ---


@pytest.fixture
def tokens(issuer: str) -> tuple[str, str]:
    """One for the API, and one that is for nobody but the app itself."""
    ours = App("web").token(grant_type="client_credentials", audience=ORDERS).json()["access_token"]
    return ours, App("stranger").token(grant_type="client_credentials").json()["access_token"]


@curl
def test_curl_asks_about_a_token(checker: Copied, tokens: tuple[str, str]) -> None:
    checker.save("curl_check")
    good, bad = (json.loads(checker.run("sh", "check.sh", TOKEN=one).stdout) for one in tokens)
    assert (good["active"], good["aud"], bad) == (True, ORDERS, {"active": False})


def test_python_asks_about_a_token(checker: Copied, tokens: tuple[str, str]) -> None:
    checker.save("python_check")
    program = "import json, sys, check; print(json.dumps([check.claims_of(one) for one in sys.argv[1:]]))"
    good, bad = json.loads(checker.run(sys.executable, "-c", program, *tokens).stdout)
    assert (good["client_id"], bad) == ("web", None)


@pytest.mark.node
def test_node_asks_about_a_token(checker: Copied, tokens: tuple[str, str]) -> None:
    checker.save("node_check")
    (checker.folder / "node_modules").symlink_to(NODE_PACKAGES)
    program = "import { claimsOf } from './check.mjs'\nconst [good, bad] = await Promise.all(process.argv.slice(2)"
    (checker.folder / "use.mjs").write_text(f"{program}.map(claimsOf))\nconsole.log(JSON.stringify([good, bad]))")
    good, bad = json.loads(checker.run("node", "--require", str(SHIM), "use.mjs", *tokens).stdout)
    assert (good["client_id"], bad) == ("web", None)
