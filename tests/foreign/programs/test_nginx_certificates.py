"""Client certificates through nginx, set up as docs/operations.md says: real TLS, and a CA of our own."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests

from tests.foreign.programs.certificates import NAME, SUBJECT, Holder, holders
from tests.foreign.programs.nginx import NGINX, PAGE, block, nginx
from tests.foreign.programs.running import lacks
from tests.foreign.programs.test_nginx import elsewhere
from tests.installation import free_port, prepared, serving
from tests.verifier.documented import EXAMPLES, SHOWN, same
from tests.world import claims_of

LACKING = lacks(NGINX, "curl", "openssl")
pytestmark = [pytest.mark.foreign, pytest.mark.programs, pytest.mark.skipif(bool(LACKING), reason=LACKING)]
HEADING = "### Client certificates"
SECRET = "a secret of the app that is long enough"
SECRETS = {"LIBRARY_WEB_SECRET": SECRET, "LOANS_API_SECRET": SECRET}
NAMES = ["ClientCert", "clientcert", "Client-Cert", "Client_Cert", "Client_cert"]
CLIENTS = """
version: 1
projects:
  - id: acme
    clients:
      - {{client_id: bound, client_name: Bound, client_secret: {secret}, grant_types: [client_credentials],
         scope: orders.read, tls_client_certificate_bound_access_tokens: true}}
      - {{client_id: subject, client_name: Subject, token_endpoint_auth_method: tls_client_auth,
         tls_client_auth_subject_dn: '{subject}', grant_types: [client_credentials], scope: orders.read,
         tls_client_certificate_bound_access_tokens: true}}
      - {{client_id: other-name, client_name: Other name, token_endpoint_auth_method: tls_client_auth,
         tls_client_auth_san_dns: {name}, grant_types: [client_credentials], scope: orders.read}}
      - {{client_id: own-key, client_name: Own key, token_endpoint_auth_method: self_signed_tls_client_auth,
         jwks: {{keys: [{key}]}}, grant_types: [client_credentials], scope: orders.read}}
"""
# That of docs/integrate.md, whose app has its tokens bound.
LIBRARY = EXAMPLES["library.yaml"].replace(
    "client_id: library-web\n",
    "client_id: library-web\n        tls_client_certificate_bound_access_tokens: true\n",
)


@dataclass(frozen=True)
class Site:
    """`issuer` and `mtls` as everybody reaches them, `behind` as the proxy does."""

    issuer: str
    mtls: str
    behind: str
    folder: Path
    holders: dict[str, Holder]

    def asks(self, method: str, url: str, holder: str = "", **more: Any) -> requests.Response:
        """Over a connection with this holder's certificate, or with none."""
        with requests.Session() as http:
            held = (str(self.holders[holder].file), str(self.holders[holder].key)) if holder else None
            return http.request(method, url, cert=held, verify=str(self.folder / "ca.pem"), timeout=60, **more)

    def posts(self, path: str, client_id: str, holder: str = "", **form: str) -> requests.Response:
        return self.asks("POST", f"{self.mtls}/oauth2/{path}", holder, data={"client_id": client_id, **form})

    def gets_a_token(self, client_id: str, holder: str = "") -> requests.Response:
        return self.posts("token", client_id, holder, grant_type="client_credentials")

    def bound(self, holder: str = "", at: str = "", **headers: str) -> requests.Response:
        """The client with a secret asks, whose tokens are bound."""
        url, form = f"{at or self.mtls}/oauth2/token", {"grant_type": "client_credentials"}
        return self.asks("POST", url, holder, data=form, auth=("bound", SECRET), headers=headers)

    def shows(self, token: str, holder: str = "", path: str = "userinfo", at: str = "", **headers: str) -> int:
        sent = {"Authorization": f"Bearer {token}", **headers}
        return self.asks("GET", f"{at or self.mtls}/oauth2/{path}", holder, headers=sent).status_code


def listener(folder: Path, port: int, behind: int, verify: str) -> str:
    """The page's server for certificates, at addresses of this test."""
    text = block(HEADING, "server ")
    for was, becomes in {
        "listen 443 ssl;": f"listen 127.0.0.1:{port} ssl;",
        "mtls.id.example.com;": "localhost;",
        "/etc/nginx/mtls.pem": str(folder / "server.pem"),
        "/etc/nginx/mtls.key": str(folder / "server.key"),
        "/etc/nginx/client-ca.pem": str(folder / "ca.pem"),
        "ssl_verify_client optional;": f"ssl_verify_client {verify};",
        "127.0.0.1:8000": f"127.0.0.1:{behind}",
    }.items():
        assert was in text, was
        text = text.replace(was, becomes)
    return text


def settings() -> dict[str, str]:
    below = PAGE.partition(f"\n{HEADING}\n")[2].partition("\n### ")[0]
    return dict(re.findall(r"^(IDP_\w+)='(.*)'$", below, re.MULTILINE))


@contextmanager
def behind_nginx(folder: Path, verify: str) -> Iterator[Site]:
    port, tls, app, behind = (free_port() for _ in range(4))
    made = holders(folder)
    said = {**settings(), "IDP_MTLS_URL": f"https://localhost:{tls}"}
    clients = CLIENTS.format(secret=SECRET, subject=SUBJECT, name=NAME, key=made["self-made"].jwk)
    provider = prepared(folder, f"http://localhost:{port}", "", clients, **SECRETS, **said)
    (folder / "library.yaml").write_text(LIBRARY)
    provider.command("applyconfig", str(folder / "library.yaml"))
    location = block(HEADING, "location / ").replace(":8000", f":{behind}")
    upstream = listener(folder, tls, behind, verify)
    with serving(provider, behind), nginx(folder, port, app, location, upstream):
        yield Site(provider.issuer, said["IDP_MTLS_URL"], f"http://127.0.0.1:{behind}", folder, made)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """As the page has it."""
    with behind_nginx(tmp_path_factory.mktemp("site"), "optional") as made:
        yield made


@pytest.fixture(scope="module")
def lenient(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """nginx takes certificates that nobody vouches for as well."""
    with behind_nginx(tmp_path_factory.mktemp("lenient"), "optional_no_ca") as made:
        yield made


@pytest.mark.parametrize("client_id", ["subject", "other-name"])
@pytest.mark.parametrize("where", ["site", "lenient"])
def test_a_client_is_known_by_a_name_in_a_certificate_that_the_ca_vouches_for(
    where: str, client_id: str, request: pytest.FixtureRequest
) -> None:
    site: Site = request.getfixturevalue(where)
    assert site.gets_a_token(client_id, "till").status_code == 200
    for holder in ("", "another"):
        refused = site.gets_a_token(client_id, holder)
        assert (refused.status_code, refused.json()["error"]) == (401, "invalid_client")
    expired = site.gets_a_token(client_id, "expired")
    assert (expired.status_code, "nginx" in expired.text) == (400, True)


def test_a_self_made_certificate_has_no_name(site: Site, lenient: Site) -> None:
    refused = site.gets_a_token("subject", "self-made")
    assert (refused.status_code, "nginx" in refused.text) == (400, True)
    refused = lenient.gets_a_token("subject", "self-made")
    assert (refused.status_code, refused.json()["error"]) == (401, "invalid_client")


def test_a_client_is_known_by_the_key_of_a_certificate_that_it_made(lenient: Site) -> None:
    assert lenient.gets_a_token("own-key", "self-made").status_code == 200
    for holder in ("", "till"):
        assert lenient.gets_a_token("own-key", holder).status_code == 401


def test_a_token_works_over_connections_with_its_certificate_only(site: Site) -> None:
    answer = site.bound("till")
    assert answer.status_code == 200, answer.text
    token = answer.json()["access_token"]
    for path, refused in (("userinfo", 401), ("tokeninfo", 400)):
        assert site.shows(token, "till", path) == 200
        assert site.shows(token, "another", path) == refused
        assert site.shows(token, "", path) == refused
        assert site.shows(token, "", path, site.issuer) == refused, "the public address asks for none"
    assert site.bound().status_code == 400, "its client gets none without a certificate"
    told = site.asks("POST", f"{site.issuer}/oauth2/introspect", data={"token": token}, auth=("bound", SECRET)).json()
    assert told["cnf"] == {"x5t#S256": site.holders["till"].thumbprint}


def test_a_client_known_by_its_certificate_asks_about_its_token_and_ends_it(site: Site) -> None:
    token = site.gets_a_token("subject", "till").json()["access_token"]
    for holder, status in (("till", 200), ("another", 401), ("", 401)):
        assert site.posts("introspect", "subject", holder, token=token).status_code == status
    assert site.posts("introspect", "subject", "till", token=token).json()["active"] is True
    assert site.posts("revoke", "subject", "till", token=token).status_code == 200
    assert site.shows(token, "till") == 401


@pytest.mark.parametrize("name", NAMES)
def test_nobody_says_which_certificate_they_have(site: Site, name: str) -> None:
    token = site.bound("till").json()["access_token"]
    forged = {name: site.holders["till"].escaped, "ClientVerify": "SUCCESS", "Client_Verify": "SUCCESS"}
    for at in (site.mtls, site.issuer):
        assert site.bound("", at, **forged).status_code == 400
        assert site.shows(token, "", at=at, **forged) == 401
    assert site.shows(token, "another", **forged) == 401
    assert site.shows(token, "till", **{**forged, name: "x"}) == 200, "what nginx says counts"
    url, form = f"{site.issuer}/oauth2/token", {"grant_type": "client_credentials", "client_id": "subject"}
    assert site.asks("POST", url, data=form, headers=forged).status_code == 401


def test_a_self_made_certificate_with_the_word_of_the_ca_is_none_of_the_ca(lenient: Site) -> None:
    url = f"{lenient.mtls}/oauth2/token"
    form = {"grant_type": "client_credentials", "client_id": "subject"}
    for name in ("ClientVerify", "clientverify", "Client-Verify", "Client_Verify"):
        answer = lenient.asks("POST", url, "self-made", data=form, headers={name: "SUCCESS"})
        assert answer.status_code == 401


def statuses(url: str, http: requests.Session, *headers: tuple[str, str]) -> int:
    """Of a client that has a name in a certificate, asking the provider itself."""
    form = {"grant_type": "client_credentials", "client_id": "subject"}
    said = {"ClientVerify": "SUCCESS", "Host": "localhost", **dict(headers)}
    return http.post(f"{url}/oauth2/token", form, headers=said, timeout=60).status_code


def test_who_comes_past_the_proxy_has_no_certificate(site: Site) -> None:
    till = site.holders["till"].escaped
    with elsewhere() as http:
        assert {statuses(site.behind, http, (name, till)) for name in NAMES} == {401}


def test_nothing_else_passes_for_the_header_of_the_proxy(site: Site) -> None:
    """Where a proxy lets through what nginx drops."""
    till = site.holders["till"].escaped
    with requests.Session() as proxy:
        assert statuses(site.behind, proxy, ("ClientCert", till)) == 200
        for name in ("Client-Cert", "Client_Cert", "Client_cert", "_ClientCert", "ClientCert_"):
            assert statuses(site.behind, proxy, (name, till)) == 401, name


def test_two_headers_of_its_name_are_none(site: Site) -> None:
    form = b"grant_type=client_credentials&client_id=subject"
    till, another = (site.holders[name].escaped for name in ("till", "another"))
    for certificates, status in (([till], 200), ([till, another], 401), ([another, till], 401), ([till, till], 401)):
        proxy = HTTPConnection(urlsplit(site.behind).netloc, timeout=60)
        proxy.putrequest("POST", "/oauth2/token", skip_host=True)
        headers = {"Host": "localhost", "Content-Type": "application/x-www-form-urlencoded", "ClientVerify": "SUCCESS"}
        for name, value in (*headers.items(), *(("ClientCert", one) for one in certificates)):
            proxy.putheader(name, value)
        proxy.putheader("Content-Length", str(len(form)))
        proxy.endheaders(form)
        assert proxy.getresponse().status == status
        proxy.close()


def test_discovery_names_addresses_that_nginx_leads_to_us(site: Site) -> None:
    said = requests.get(f"{site.issuer}/.well-known/openid-configuration", timeout=60).json()
    assert said["issuer"] == site.issuer
    authenticating = {name.removesuffix("_auth_methods_supported") for name in said if "_auth_methods_" in name}
    assert authenticating <= said["mtls_endpoint_aliases"].keys()
    for name, url in said["mtls_endpoint_aliases"].items():
        assert url == said[name].replace(site.issuer, site.mtls)
        answer = site.asks("POST", url, "till", data={"client_id": "subject"})
        assert "nginx" not in answer.text, name
        assert answer.headers["X-Request-Id"], name
    assert "nginx" in site.asks("GET", f"{site.mtls}/accounts/login/").text, "pages are at the public address"


def test_callers_do_not_name_their_requests(site: Site) -> None:
    headers = {"X-Request-Id": "chosen"}
    for at in (site.mtls, site.issuer):
        assert re.fullmatch("[0-9a-f]{32}", site.bound("till", at, **headers).headers["X-Request-Id"])


def test_the_lines_of_the_page_for_curl(lenient: Site) -> None:
    site = lenient
    environ = {**os.environ, **SECRETS, "MTLS": site.mtls, "CURL_CA_BUNDLE": str(site.folder / "ca.pem")}

    def pasted(name: str, **more: str) -> str:
        command = ["sh", "-euc", EXAMPLES[name]]
        done = subprocess.run(
            command, env={**environ, **more}, cwd=site.folder, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    pasted("certificate")
    answer = json.loads(pasted("certificate-token"))
    assert same(SHOWN["certificate-token"], answer)
    assert claims_of(answer["access_token"])["cnf"].keys() == {"x5t#S256"}
    told = json.loads(pasted("certificate-userinfo", CLIENT_TOKEN=answer["access_token"]))
    assert same(SHOWN["certificate-userinfo"], told)
    assert site.shows(answer["access_token"], "till") == 401
