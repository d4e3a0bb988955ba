"""A provider of SAML 2.0 by pysaml2, at which everybody is Ada. `behave.json` says what it does otherwise.

python idp.py PORT SP_METADATA KEY CERTIFICATE
"""

from __future__ import annotations

import json
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from saml2 import BINDING_HTTP_POST, BINDING_HTTP_REDIRECT
from saml2.authn_context import PASSWORD
from saml2.config import IdPConfig
from saml2.metadata import create_metadata_string
from saml2.saml import NAMEID_FORMAT_PERSISTENT, NameID
from saml2.server import Server
from saml2.xmldsig import DIGEST_SHA256, SIG_RSA_SHA256

PORT, METADATA, KEY, CERTIFICATE = int(sys.argv[1]), *sys.argv[2:]
HERE = f"http://127.0.0.1:{PORT}"
SETTINGS = {
    "entityid": f"{HERE}/metadata",
    "xmlsec_binary": "/usr/bin/xmlsec1",
    "key_file": KEY,
    "cert_file": CERTIFICATE,
    "metadata": {"local": [METADATA]},
    "service": {
        "idp": {
            "endpoints": {
                "single_sign_on_service": [(f"{HERE}/sso", BINDING_HTTP_REDIRECT)],
                "single_logout_service": [(f"{HERE}/slo", BINDING_HTTP_REDIRECT)],
            },
            "name_id_format": [NAMEID_FORMAT_PERSISTENT],
        }
    },
}
IDENTITY = {"mail": ["ada@corp.example"], "givenName": ["Ada"], "sn": ["Away"], "eduPersonAffiliation": ["staff"]}


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        url = urlsplit(self.path)
        if url.path == "/metadata":
            self.answer(create_metadata_string("", config=CONFIG), "application/samlmetadata+xml")
        elif url.path == "/sso":
            asked = {name: values[0] for name, values in parse_qs(url.query).items()}
            self.answer(signed_in(asked["SAMLRequest"], asked["RelayState"]).encode(), "text/html")
        elif url.path == "/sign_out":
            self.sign_out(parse_qs(url.query)["binding"][0])
        elif url.path == "/slo":
            answer = SERVER.parse_logout_request_response(parse_qs(url.query)["SAMLResponse"][0], BINDING_HTTP_REDIRECT)
            Path("signed_out").write_text(f"{answer.in_response_to} {answer.status_ok()}")
            self.answer(b"Signed out everywhere.", "text/html")
        else:
            self.send_error(404)

    def sign_out(self, binding: str) -> None:
        """Ada signs out here, and takes the request to do so there along."""
        by_form = binding == "post"
        there = SERVER.metadata.single_logout_service(OURS, BINDING_HTTP_REDIRECT, "spsso")[0]["location"]
        name = NameID(format=NAMEID_FORMAT_PERSISTENT, text="ada")
        _id, message = SERVER.create_logout_request(
            there, OURS, name_id=name, sign=by_form, sign_alg=SIG_RSA_SHA256, digest_alg=DIGEST_SHA256
        )
        if by_form:
            self.answer(
                str(SERVER.apply_binding(BINDING_HTTP_POST, str(message), there, "s")["data"]).encode(), "text/html"
            )
            return
        sent = SERVER.apply_binding(BINDING_HTTP_REDIRECT, str(message), there, "s", sign=True, sigalg=SIG_RSA_SHA256)
        self.send_response(302)
        self.send_header("Location", dict(sent["headers"])["Location"])
        self.end_headers()

    def answer(self, body: bytes, kind: str) -> None:
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def signed_in(request: str, state: str) -> str:
    """The page that posts the answer."""
    behave = json.loads(Path("behave.json").read_text())
    read = SERVER.parse_authn_request(request, BINDING_HTTP_REDIRECT)
    said = {**SERVER.response_args(read.message), **behave.get("said", {})}
    destination = said["destination"]
    said.pop("binding")
    response = SERVER.create_authn_response(
        IDENTITY,
        userid="ada",
        name_id=NameID(format=NAMEID_FORMAT_PERSISTENT, text="ada"),
        authn={"class_ref": PASSWORD, "authn_auth": HERE, **behave.get("authn", {})},
        sign_assertion=behave.get("sign_assertion", True),
        sign_response=behave.get("sign_response", False),
        sign_alg=behave.get("sign_alg", SIG_RSA_SHA256),
        digest_alg=DIGEST_SHA256,
        **said,
    )
    text = str(response)
    for before, after in behave.get("tampered", {}).items():
        text = text.replace(before, after)
    Path("force_authn").write_text(str(read.message.force_authn))
    return str(SERVER.apply_binding(BINDING_HTTP_POST, text, destination, state, response=True)["data"])


CONFIG = IdPConfig().load(SETTINGS)
SERVER = Server(config=CONFIG)
OURS = next(iter(SERVER.metadata.service_providers()))
HTTPServer(("127.0.0.1", PORT), Handler).serve_forever()
