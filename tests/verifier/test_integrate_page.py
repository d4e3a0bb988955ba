"""docs/integrate.md stays true: its examples run against a provider, and answer what it shows."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
import yaml
from django.core.management import call_command
from django.test import Client as Http

from accounts.models import SignIn, User
from clients import initial_tokens, webhooks
from clients.initial_tokens import Wanted
from clients.models import Client
from clients.webhooks import WebhookMetadata
from idp import discovery
from idp.configuration import apply
from projects.actors import Actor
from projects.models import Project
from provider.protocol import device
from provider.telling import long_polling
from tests.verifier import documented
from tests.verifier.documented import EXAMPLES, PAGE, ROOT, SHOWN, SUBSTITUTES, Reader, registered, same
from tests.world import VERIFIER, App, Browser, claims_of

FOREIGN = ROOT / "tests" / "foreign"
PROGRAMS_OF_OTHERS = [FOREIGN / "test_integrate_page.py", *(FOREIGN / "programs").glob("*.py")]
NOT_RUN = {
    *("Program.cs", "told.json", "argocd-cm.yaml", "argocd-rbac-cm.yaml", "staff.py", "gitlab.rb", "grafana.ini"),
    *("nextcloud.sh", "vault.sh"),
}
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.any_database]


@pytest.fixture
def reader(live_server: Any, keys: None, settings: Any, tmp_path: Path) -> Reader:
    """A reader who has registered everything, at a provider that runs."""
    settings.IDP_ISSUER = live_server.url
    return registered(tmp_path, live_server.url)


def allowed(url: str) -> str:
    """Open an address as `demo`, allow everything, and copy the address the browser is sent to."""
    browser = Browser("demo", Http(SERVER_NAME="localhost"))
    return str(browser.answer(browser.http.get(url))["Location"])


@pytest.fixture
def signed_in(reader: Reader) -> Reader:
    """The same, with the tokens of a person and of the app."""
    location = allowed(reader.shell("authorize"))
    reader.environ["CODE"] = re.findall(r"[?&]code=([^&]+)", location)[0]
    tokens = reader.curl("code")
    reader.environ.update(TOKEN=tokens["access_token"], REFRESH_TOKEN=tokens["refresh_token"])
    reader.environ["CLIENT_TOKEN"] = reader.curl("client-token")["access_token"]
    return reader


def person() -> str:
    return str(User.objects.get(username="demo").sub)


def test_the_lines_answer_what_it_shows(signed_in: Reader) -> None:
    assert signed_in.curl("userinfo")["sub"] == person()
    signed_in.curl("client-userinfo")
    signed_in.curl("introspect")
    signed_in.curl("id-token")


def test_an_api_calls_another_api(reader: Reader) -> None:
    reader.shell("authorize")
    apply(EXAMPLES["fines.yaml"], environ=reader.environ)
    reader.environ["CODE"] = re.findall(r"[?&]code=([^&]+)", allowed(reader.shell("authorize-both")))[0]
    reader.environ["TOKEN"] = json.loads(reader.shell("code-for-loans"))["access_token"]
    assert claims_of(reader.curl("exchange")["access_token"])["act"] == {"sub": "loans-api"}
    assert reader.python("pass_on.py") == (0, f"{person()}, by way of loans-api")
    refused = reader.python("pass_on.py", TOKEN="x")
    assert refused[0] == 1
    assert refused[1].startswith("invalid_request: The subject token is unknown")


def test_a_client_proves_itself_by_a_key(reader: Reader) -> None:
    assert reader.python("make_key.py") == (0, "")
    apply((reader.folder / "worker.yaml").read_text(), environ=reader.environ)
    reader.environ["ASSERTION"] = reader.python("assertion.py")[1]
    assert claims_of(reader.curl("worker-token")["access_token"])["sub"] == "library-worker"
    assert reader.python("work.py") == (0, "loans.read")


def printed_by(reader: Reader, name: str) -> list[str]:
    """What this program prints in the end, when a person followed its address and came back."""
    with reader.started(name) as program:
        assert program.stdin
        assert program.stdout
        program.stdout.readline()
        location = allowed(program.stdout.readline().strip())
        output, _none = program.communicate(location + "\n", timeout=60)
        assert program.returncode == 0, output
    return str(output).splitlines()


def test_signing_in_with_authlib(reader: Reader) -> None:
    who, tokens = (json.loads(line) for line in printed_by(reader, "sign_in.py")[-2:])
    assert who == {"sub": person(), "email": "demo@acme.example"}
    assert {"access_token", "refresh_token", "id_token"} <= tokens.keys()


def test_an_answer_of_another_provider_is_not_used(reader: Reader) -> None:
    with reader.started("sign_in.py") as program:
        program.communicate("http://127.0.0.1:8765/callback?code=x&state=y&iss=https://other.example\n", timeout=60)
        assert program.returncode == 1


def test_asking_in_the_background_returns_a_code(reader: Reader) -> None:
    browser = Browser("demo", Http(SERVER_NAME="localhost"))
    location = str(browser.answer(browser.http.get(reader.shell("authorize")))["Location"])
    reader.environ["CODE"] = re.findall(r"[?&]code=([^&]+)", location)[0]
    reader.environ["SIGN_IN_TOKEN"] = reader.curl("code")["id_token"]
    silent = browser.http.get(reader.shell("silent"))
    assert silent.status_code == 302
    reader.environ["CODE"] = re.findall(r"[?&]code=([^&]+)", silent["Location"])[0]
    assert json.loads(reader.shell("code"))["scope"] == "openid loans.read"


def test_pushing_a_request(reader: Reader) -> None:
    reader.shell("authorize")  # makes a verifier and its challenge
    reader.environ["REQUEST_URI"] = reader.curl("push")["request_uri"]
    location = allowed(reader.shell("authorize-pushed"))
    reader.environ["CODE"] = re.findall(r"[?&]code=([^&]+)", location)[0]
    reader.curl("code")


def test_pushing_a_request_in_python(reader: Reader) -> None:
    assert printed_by(reader, "push.py")[-1] == "openid email loans.read"


def test_a_receiver_of_webhooks(reader: Reader) -> None:
    project, by = Project.objects.get(key="library"), Actor.operator("a test")
    made, secret = webhooks.register(WebhookMetadata(url="http://127.0.0.1:1/"), project, by)
    reader.environ.update(WEBHOOK_PORT="0", WEBHOOK_SECRET=secret)
    with reader.started("hear_webhooks.py") as program:
        assert program.stdout
        url = program.stdout.readline().split()[-1]
        webhooks.change(made, WebhookMetadata(url=url), by)
        reader.shell("authorize")
        allowed(reader.shell("authorize"))
        user = User.objects.get(username="demo")
        user.is_active = False
        user.save()
        call_command("deliverevents")
        assert program.stdout.readline() == f"person.deactivated {user.sub}\n"
        assert requests.post(url, b"{}", headers={"webhook-id": "x"}, timeout=10).status_code == 400
        assert program.stdout.readline().startswith("access.ended")


def test_a_receiver_of_signals(reader: Reader, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(long_polling, "LONGEST", 0)  # it is left while it waits
    reader.environ["LIBRARY_SIGNALS_SECRET"] = "secret-of-the-receiver-0123456789"
    apply(EXAMPLES["signals.yaml"].replace(SUBSTITUTES["issuer"], reader.environ["ISSUER"]), environ=reader.environ)
    reader.environ["SIGNALS_TOKEN"] = reader.curl("signals-token")["access_token"]
    stream = json.loads(reader.shell("signals-stream"))
    reader.environ.update(STREAM_ID=stream["stream_id"], POLL=stream["delivery"]["endpoint_url"])
    assert reader.shell("signals-verify") == ""
    answer = json.loads(reader.shell("signals-poll"))
    [[jti, token]] = answer["sets"].items()
    assert same(SHOWN["signals-poll"], {"sets": {"5f0c5a…": token}})
    assert claims_of(token)["jti"] == jti
    with reader.started("take_signals.py") as program:
        assert program.stdout
        assert program.stdout.readline() == "verification nobody\n"
        reader.shell("authorize")
        allowed(reader.shell("authorize"))
        user = User.objects.get(username="demo")
        user.is_active = False
        user.save()
        call_command("deliverevents")
        assert program.stdout.readline() == f"account-disabled {user.sub}\n"


def type_code(code: str, decision: str = "allow") -> None:
    """As `demo`, at the page that the device named."""
    browser = Browser("demo", Http(SERVER_NAME="localhost"))
    page = browser.http.get(browser.http.post("/device", {"user_code": code})["Location"])
    assert browser.answer(page, decision)["Location"].startswith("/device/done")


def test_connecting_a_device(reader: Reader) -> None:
    apply(EXAMPLES["tv.yaml"], environ=reader.environ)
    codes = reader.curl("device")
    assert codes["verification_uri"] == f"{reader.environ['ISSUER']}/device"
    reader.environ["DEVICE_CODE"] = codes["device_code"]
    assert json.loads(reader.shell("device-token"))["error"] == "authorization_pending"
    type_code(codes["user_code"])
    assert claims_of(reader.curl("device-token")["id_token"])["sub"] == person()


@pytest.mark.parametrize("decision", ["allow", "deny"])
def test_connecting_a_terminal(reader: Reader, monkeypatch: pytest.MonkeyPatch, decision: str) -> None:
    apply(EXAMPLES["tv.yaml"], environ=reader.environ)
    monkeypatch.setattr(device, "INTERVAL", 1)
    with reader.started("connect.py") as program:
        assert program.stdout
        type_code(program.stdout.readline().split()[-1], decision)
        output, _none = program.communicate(timeout=60)
    connected = "Connected to the account of demo@acme.example, with openid email offline_access loans.read"
    assert (program.returncode, output.strip()) == ((0, connected) if decision == "allow" else (1, ""))


def test_signing_a_request(reader: Reader) -> None:
    reader.shell("authorize")  # makes a verifier and its challenge
    with reader.started("signed_request.py") as program:
        assert program.stdin
        assert program.stdout
        Client.objects.filter(client_id="library-web").update(jwks=json.loads(program.stdout.readline()))
        output, _none = program.communicate("\n", timeout=60)
        assert program.returncode == 0
    reader.environ["REQUEST_URI"] = output.strip()
    location = allowed(reader.shell("authorize-pushed"))
    reader.environ["CODE"] = re.findall(r"[?&]code=([^&]+)", location)[0]
    assert json.loads(reader.shell("code"))["scope"] == "openid"


def test_signing_a_request_for_curl(reader: Reader) -> None:
    reader.shell("authorize")  # makes a verifier and its challenge
    reader.environ["REQUEST"] = reader.python("request_object.py")[1]
    apply((reader.folder / "desk.yaml").read_text(), path="desk.yaml")
    location = allowed(reader.shell("authorize-signed"))
    assert "state=check-me" in location
    reader.environ["CODE"] = re.findall(r"[?&]code=([^&]+)", location)[0]
    assert json.loads(reader.shell("code"))["scope"] == "openid loans.read"


def test_signing_out_and_hearing_of_it(reader: Reader) -> None:
    browser = Browser("demo", Http(SERVER_NAME="localhost"))
    answer = browser.answer(browser.http.get(reader.shell("authorize")))
    reader.environ["CODE"] = re.findall(r"[?&]code=([^&]+)", answer["Location"])[0]
    reader.environ["SIGN_IN_TOKEN"] = reader.curl("code")["id_token"]
    reader.environ["LOGOUT_PORT"] = "0"
    with reader.started("hear_logouts.py") as program:
        assert program.stdout
        here = program.stdout.readline().split()[-1]
        Client.objects.filter(client_id="library-web").update(backchannel_logout_uri=f"{here}/logout")
        sent_to = browser.http.get(reader.shell("logout"))["Location"]
        assert sent_to == "http://127.0.0.1:8765/goodbye?state=check-me"
        call_command("deliverevents")
        sid = SignIn.objects.get(user__username="demo").pk
        assert program.stdout.readline() == f"end the session {sid} of {person()}\n"
        refused = requests.post(f"{here}/logout", {"logout_token": reader.environ["SIGN_IN_TOKEN"]}, timeout=30)
        assert refused.status_code == 400


@pytest.mark.parametrize("nonce_required", [False, True], ids=["nonce optional", "nonce demanded"])
def test_a_bound_token_is_for_the_holder_of_its_key(reader: Reader, settings: Any, nonce_required: bool) -> None:
    settings.IDP_DPOP_NONCE_REQUIRED = nonce_required
    ended, said = reader.python("bound.py")
    assert (ended, said.split()) == (0, ["DPoP", "library-web", "invalid_token"])
    if nonce_required:
        assert json.loads(reader.shell("bound-token"))["error"] == "use_dpop_nonce"
    else:
        reader.curl("bound-token")


def test_checking_locally(signed_in: Reader) -> None:
    status, output = signed_in.python("check_locally.py")
    assert status == 0, output
    assert output.startswith(f"person {person()}, by way of library-web, until ")
    assert output.endswith(": email loans.read offline_access openid")
    assert "the app itself" in signed_in.python("check_locally.py", TOKEN=signed_in.environ["CLIENT_TOKEN"])[1]
    assert signed_in.python("check_locally.py", TOKEN="x") == (
        1,
        "401 invalid_token: The token is malformed, or this provider did not sign it.",
    )


def test_checking_by_asking(signed_in: Reader) -> None:
    status, output = signed_in.python("check_by_asking.py")
    assert (status, output) == (0, f"{person()} by way of library-web: email loans.read offline_access openid")
    User.objects.filter(username="demo").update(is_active=False)
    assert signed_in.python("check_by_asking.py") == (
        1,
        "401 invalid_token: The token is unknown, expired or revoked.",
    )
    status, output = signed_in.python("check_by_asking.py", LOANS_API_SECRET="wrong")
    assert status == 1
    assert "Nobody can say" in output


def test_checking_an_id_token_of_an_own_app(signed_in: Reader) -> None:
    id_token = signed_in.curl("id-token")["id_token"]
    assert signed_in.python("check_id_token.py", ID_TOKEN=id_token) == (0, f"{person()}, says library-web")
    status, output = signed_in.python("check_id_token.py", ID_TOKEN=signed_in.environ["TOKEN"])
    assert status == 1
    assert "An access token is not accepted" in output


def test_the_api_in_one_file(signed_in: Reader) -> None:
    signed_in.environ["PORT"] = "0"
    with signed_in.started("loans_api.py") as api:
        assert api.stdout
        here = api.stdout.readline().split()[-1]
        assert signed_in.curl("call", api=here)["for"] == person()
        persons, clients = signed_in.environ["TOKEN"], signed_in.environ["CLIENT_TOKEN"]

        def answer(path: str, token: str) -> Any:
            return requests.get(here + path, headers={"Authorization": f"Bearer {token}"}, timeout=30).json()

        assert answer("/loans/7", persons) == {"loan": 7, "for": person()}
        assert answer("/loans/7", clients)["for"] == "library-web"
        assert answer("/borrow", persons)["error"] == "insufficient_scope"
        for path in ("/loans", "/loans/7", "/borrow"):
            assert answer(path, "x")["error"] == "invalid_token"


def test_an_mcp_client_gets_a_token_for_its_server(keys: None) -> None:
    """At any port, by naming the address of the server as `resource`, without a secret."""
    apply({"version": 1, "users": [documented.DEMO]})
    apply(EXAMPLES["mcp.yaml"], environ={"WIKI_API_SECRET": "the-secret-of-its-pages"})
    server, back = "http://127.0.0.1:8765/mcp", "http://localhost:51763/callback"
    asked = {"redirect_uri": back, "scope": "pages.read offline_access", "resource": server, "nonce": None}
    code = Browser("demo").code("wiki-mcp", **asked)
    sent = {"grant_type": "authorization_code", "code": code, "redirect_uri": back, "code_verifier": VERIFIER}
    tokens = App("wiki-mcp").post("/oauth2/token", {**sent, "resource": server}).json()
    assert claims_of(tokens["access_token"])["aud"] == server
    assert tokens["scope"].split() == ["pages.read", "offline_access"]
    again = App("wiki-mcp").refresh(tokens["refresh_token"]).json()
    assert claims_of(again["access_token"])["aud"] == server


def test_a_consent_page_of_a_projects_own_is_a_client_that_may_change_it(keys: None, settings: Any) -> None:
    told = EXAMPLES["consent-page.yaml"].replace("https://id.example.com", settings.IDP_ISSUER)
    acme = {"id": "acme", "name": "Acme", "consent_screen": {"app_name": "Acme"}, **yaml.safe_load(told)}
    apply({"version": 1, "projects": [acme]})
    client = Client.objects.get(client_id="consent-page")
    assert [project.key for project in client.administers.all()] == ["acme"]


@pytest.mark.parametrize("name", ["claims.yaml", "claims-in-one-list.yaml"])
def test_a_claim_table_is_taken_and_then_nothing_is_left_to_do(name: str) -> None:
    project = {"id": "library", "name": "Library", **yaml.safe_load(EXAMPLES[name])}
    file = {"version": 1, "attributes": [{"name": "branch", "type": "text"}], "projects": [project]}
    assert apply(file).changed
    assert not apply(file).changed
    told = {row["name"] for row in Project.objects.get(key="library").claims}
    assert told == {*yaml.safe_load(EXAMPLES[name])["claims"]}


def test_each_rule_of_who_may_sign_in_is_taken() -> None:
    for line in EXAMPLES["sign-in.yaml"].splitlines():
        project = {"id": "library", "name": "Library", "roles": [{"name": "admin"}, {"name": "editor"}]}
        groups = [{"name": "berlin"}, {"name": "choir"}]
        apply({"version": 1, "groups": groups, "projects": [{**project, **yaml.safe_load(line)}]})
        assert Project.objects.get(key="library").sign_in in line


def test_every_example_is_run_and_every_answer_compared() -> None:
    fenced = re.findall(r"^```(\w+)$", PAGE, re.MULTILINE)
    not_run = re.findall(r"^<!-- not run: (\S+) -->$", PAGE, re.MULTILINE)
    assert {*not_run} == NOT_RUN, "of programs that no environment of ours has; the page says so"
    unmarked = len(fenced) - len(SHOWN) - len(EXAMPLES) - len(not_run)
    assert unmarked == 1, "only `manage.py applyconfig` is not run from the page"
    tests = "".join(path.read_text() for path in (Path(__file__), Path(documented.__file__), *PROGRAMS_OF_OTHERS))
    assert [name for name in EXAMPLES if f'"{name}"' not in tests] == []


def anchors(page: str) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", page, re.MULTILINE)
    return {re.sub(r"[^\w -]", "", line.lower()).replace(" ", "-") for line in headings}


def test_its_links_and_paths_lead_somewhere() -> None:
    links = re.findall(r"\]\(([^)]+)\)", PAGE)
    assert [link for link in links if link.startswith("#") and link[1:] not in anchors(PAGE)] == []
    files = [link.partition("#") for link in links if not link.startswith(("#", "https://"))]
    assert [file for file, _, _ in files if not (ROOT / "docs" / file).exists()] == []
    assert [(file, at) for file, _, at in files if at and at not in anchors((ROOT / "docs" / file).read_text())] == []
    paths = re.findall(r"`((?:clients|projects|docs)/[\w./]*)`", PAGE)
    assert [path for path in paths if not (ROOT / path).exists()] == []


def test_an_app_that_meets_fapi_2(reader: Reader) -> None:
    ended, written = reader.python("fapi_key.py")
    assert ended == 0, written
    apply(written, path="bank.yaml")
    assert json.loads(printed_by(reader, "fapi.py")[-1]) == {
        "sub": person(),
        "email": "demo@acme.example",
        "email_verified": True,
    }


def test_what_meets_fapi_2_with_curl(reader: Reader) -> None:
    reader.shell("authorize")  # makes a verifier and its challenge
    apply(reader.python("fapi_key.py")[1], path="bank.yaml")
    assert reader.python("bank_signs.py", AT="par") == (0, "")
    reader.environ["REQUEST_URI"] = reader.curl("bank-push")["request_uri"]
    location = allowed(reader.shell("authorize-bank"))
    reader.environ["CODE"] = re.findall(r"[?&]code=([^&]+)", location)[0]
    assert json.loads(reader.shell("bank-code"))["error"] == "invalid_client", "its assertion was used"
    assert reader.python("bank_signs.py", AT="token") == (0, "")
    assert "cnf" in claims_of(reader.curl("bank-code")["access_token"])


@pytest.fixture
def initial_token(reader: Reader, settings: Any) -> Iterator[None]:
    settings.IDP_DYNAMIC_REGISTRATION = "tokens"
    wanted = Wanted(scope="openid email loans.read", audience=("https://api.library.example/loans",), most=3)
    project = Project.objects.get(key="library")
    reader.environ["INITIAL_TOKEN"] = initial_tokens.make(wanted, project, Actor.operator("test"))[1]
    discovery._metadata_document.cache_clear()  # it lists what the provider started with
    yield
    discovery._metadata_document.cache_clear()


@pytest.mark.usefixtures("initial_token")
def test_registering_itself(reader: Reader) -> None:
    assert reader.curl("register")["redirect_uris"] == ["http://127.0.0.1:8765/callback"]


@pytest.mark.usefixtures("initial_token")
def test_registering_itself_in_python(reader: Reader) -> None:
    assert reader.python("register.py") == (0, "Reading room, second floor\n204")
