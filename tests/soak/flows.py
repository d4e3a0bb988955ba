"""The flows of the load. Each request is noted in the ledger, and so is each promise that an answer makes."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import TypeAlias
from urllib.parse import parse_qs, quote, urlencode, urljoin, urlsplit

from jwcrypto.common import JWException
from jwcrypto.jwk import JWKSet
from jwcrypto.jwt import JWT

from tests.soak import world
from tests.soak.client import Answer, Form, Http, ahead, basic, filled
from tests.soak.ledger import Asked, Chain, Fault, Ledger

Secrets: TypeAlias = "dict[str, str]"
OPAQUE_LIFETIME = 600.0  # seconds; tokens live longer
OK = frozenset({200})


class Gone(Exception):
    """A request failed, which is noted; this round is over."""


def explained(answer: Answer) -> str:
    """In a few words why an answer is none."""
    said = answer.text("error") or ("a page" if answer.body.startswith("<!DOCTYPE") else answer.body[:60].strip())
    return f"{said}, without Retry-After" if answer.status == 503 and not answer.retry_after else said


@dataclass
class Published:
    """The keys as a client keeps them: fetched once, and again when one is unknown."""

    keys: JWKSet
    fetched: float


@dataclass
class Flows:
    """One client program, in one thread. `nodes` are those behind the balancer, asked as a program nearby would."""

    ledger: Ledger
    http: Http
    nodes: list[Http]
    secrets: Secrets
    random: random.Random = field(default_factory=random.Random)
    published: Published | None = None

    # --- Asking ---------------------------------------------------------------------------------------------------

    def note(self, flow: str, answer: Answer, good: Collection[int] = OK, node: str = "") -> Answer:
        """Answers that are not good end the round. That a node itself is not there says nothing of the balancer."""
        failed = answer.status not in good
        detail = explained(answer) if failed else ""
        if answer.status or not node:
            self.ledger.note(Asked(flow, answer.began, answer.ended, answer.status, failed, detail, node))
        if failed:
            raise Gone
        return answer

    def ask(self, client: str, path: str, form: Form, http: Http | None = None) -> Answer:
        return (http or self.http).post(path, form, {"Authorization": basic(client, self.secrets[client])})

    def token(self, flow: str, client: str, **form: str) -> Answer:
        return self.note(flow, self.ask(client, "/oauth2/token", form))

    def got(self, answer: Answer, kind: str) -> str:
        """An access token that the ledger knows from now on."""
        token = answer.text("access_token")
        self.ledger.received(token, kind, answer.ended, OPAQUE_LIFETIME)
        return token

    # --- Machines -------------------------------------------------------------------------------------------------

    def own_token(self, client: str = world.MACHINE) -> str:
        return self.got(
            self.token("client credentials", client, grant_type="client_credentials", scope="read"),
            "client credentials",
        )

    def signed_token(self) -> None:
        answer = self.token("JWT", world.JWT, grant_type="client_credentials", scope="read")
        self.verify(answer.text("access_token"), answer)

    def introspect(self, token: str, http: Http | None = None) -> bool:
        """By one of the nodes."""
        at = http or self.random.choice([self.http, *self.nodes])
        where = f"port {at.port}"
        answer = self.ask(world.API_CLIENT, "/oauth2/introspect", {"token": token}, at)
        self.note("introspection", answer, node="" if at is self.http else where)
        active = answer.json().get("active") is True
        self.ledger.said(token, active, answer.began, answer.ended, where)
        return active

    def revoke(self, token: str, client: str = world.MACHINE) -> None:
        self.ledger.ending(token)
        answer = self.note("revocation", self.ask(client, "/oauth2/revoke", {"token": token}))
        self.ledger.ended(token, answer.ended)

    # --- People ---------------------------------------------------------------------------------------------------

    def sign_in(self, number: int) -> Chain:
        """Somebody at a new browser signs in, allows the app, and it exchanges its code."""
        self.http.cookies.clear()
        asked = {
            "response_type": "code",
            "client_id": world.WEB,
            "redirect_uri": world.CALLBACK,
            "scope": world.SCOPE,
            "state": "s",
            "prompt": "consent",
            "code_challenge": world.CHALLENGE,
            "code_challenge_method": "S256",
        }
        code = self.allow(number, f"/oauth2/authorize?{urlencode(asked)}")
        form = {"redirect_uri": world.CALLBACK, "code_verifier": world.VERIFIER, "code": code}
        answer = self.token("code", world.WEB, grant_type="authorization_code", **form)
        self.verify(answer.text("id_token"), answer)
        self.got(answer, "code")
        return Chain(answer.text("refresh_token"), answer.ended)

    def allow(self, number: int, path: str) -> str:
        """From the app's link back to the app: its code."""
        page, address = self.visit("sign-in", path)
        page, address = self.fill(page, address, login=f"person-{number}", password=world.PASSWORD)
        page, address = self.fill(page, address, decision="allow")
        return parse_qs(urlsplit(address).query).get("code", [""])[0]

    def visit(self, flow: str, path: str) -> tuple[Answer, str]:
        answer = self.note(flow, self.http.get(path), {200, 302, 303})
        return self.follow(flow, answer, path)

    def follow(self, flow: str, answer: Answer, path: str) -> tuple[Answer, str]:
        while to := ahead(answer):
            path = urljoin(path, to)
            if path.startswith(world.CALLBACK):
                break
            path = urlsplit(path)._replace(scheme="", netloc="").geturl()
            answer = self.note(flow, self.http.get(path), {200, 302, 303})
        return answer, path

    def fill(self, page: Answer, address: str, **fields: str) -> tuple[Answer, str]:
        target, form = filled(page.body, address, **fields)
        headers = {"Referer": self.http.issuer + address, "Origin": self.http.issuer}
        flow = "consent" if "decision" in fields else "sign-in"
        answer = self.note(
            flow, self.http.post(target, form, headers), {302, 303} if flow == "sign-in" else {200, 302, 303}
        )
        return self.follow(flow, answer, target)

    def refresh(self, chain: Chain) -> str:
        """The next access token."""
        began = time.monotonic()
        answer = self.ask(world.WEB, "/oauth2/token", {"grant_type": "refresh_token", "refresh_token": chain.token})
        if chain.since < self.ledger.emptied < answer.began:
            self._ended_with_everything(chain, answer)
        if answer.status == 400 and answer.text("error") == "invalid_grant":
            self._refused(chain, answer)
        if answer.status != 200:
            chain.unanswered(began)
        self.note("refresh", answer)
        chain.succeeded(answer.text("refresh_token"), answer.ended)
        self.verify(answer.text("id_token"), answer)
        token = self.got(answer, "refresh")
        chain.access.append(token)
        return token

    def _ended_with_everything(self, chain: Chain, answer: Answer) -> None:
        self.note("refresh", answer, {200, 400})
        if answer.status == 200:
            self.ledger.fault(Fault.REVIVED, answer.ended, "a refresh token that ended with everything")
        chain.token = ""
        raise Gone

    def _refused(self, chain: Chain, answer: Answer) -> None:
        if fault := chain.refused(answer.began):
            age = f"unanswered for {answer.began - chain.doubt:.1f} s" if chain.doubt else "never unanswered"
            self.ledger.fault(fault, answer.ended, f"refresh token, {age}, {len(chain.used)} before it")
        else:
            self.ledger.cut_off(answer.ended)
            for token in chain.access:
                self.ledger.ending(token)
        chain.token = ""
        raise Gone

    def reuse(self, chain: Chain) -> None:
        """A predecessor from long ago must be worth nothing. It ends the authorization, so this is the last request."""
        if old := chain.old(time.monotonic()):
            for token in chain.access:
                self.ledger.ending(token)
            answer = self.ask(world.WEB, "/oauth2/token", {"grant_type": "refresh_token", "refresh_token": old})
            self.note("old refresh token", answer, {200, 400})
            if answer.status == 200:
                self.ledger.fault(Fault.REVIVED, answer.ended, "a refresh token that was rotated long before")
            for token in chain.access:
                self.ledger.ended(token, answer.ended)
            chain.token = ""

    def userinfo(self, token: str) -> None:
        headers = {"Authorization": f"Bearer {token}"}
        answer = self.http.get("/oauth2/userinfo", headers)
        if answer.status in (200, 401):
            self.ledger.said(token, answer.status == 200, answer.began, answer.ended, "userinfo")
        self.note("userinfo", answer)

    def exchange(self, token: str) -> str:
        kind = "urn:ietf:params:oauth:token-type:access_token"
        form = {"grant_type": world.EXCHANGE, "scope": "read", "subject_token": token, "subject_token_type": kind}
        return self.got(self.token("exchange", world.WEB, **form), "exchange")

    def device(self, number: int) -> None:
        """A device asks, somebody allows it, and it gets its tokens."""
        self.http.cookies.clear()
        begun = self.note("device", self.ask(world.TV, "/oauth2/device_authorization", {"scope": world.SCOPE}))
        code = begun.text("user_code")
        page, address = self.visit("sign-in", f"/device?user_code={quote(code)}")
        page, address = self.fill(page, address, user_code=code)
        page, address = self.fill(page, address, login=f"person-{number}", password=world.PASSWORD)
        self.fill(page, address, decision="allow")
        answer = self.token("device", world.TV, grant_type=world.DEVICE, device_code=begun.text("device_code"))
        self.verify(answer.text("id_token"), answer)
        self.got(answer, "device")

    # --- Keys -----------------------------------------------------------------------------------------------------

    def fetch_keys(self) -> Published:
        answer = self.note("keys", self.http.get("/.well-known/jwks.json"))
        self.published = Published(JWKSet.from_json(answer.body), answer.ended)
        return self.published

    def verify(self, token: str, answer: Answer) -> None:
        """By the keys that were fetched before the token was made, as long as apps may keep them."""
        known = self.published
        if known is None or answer.began > known.fetched + 300:
            known = self.fetch_keys()
        try:
            JWT(jwt=token, key=known.keys, check_claims={"iss": self.http.issuer})
        except (JWException, ValueError) as error:
            kid = json.dumps(sorted(str(key.key_id) for key in known.keys))
            detail = f"{type(error).__name__}, keys {kid} of {answer.began - known.fetched:.0f} s before"
            self.ledger.fault(Fault.UNVERIFIED, answer.ended, detail)

    # --- Changes of an operator -----------------------------------------------------------------------------------

    def administer(self) -> dict[str, str]:
        answer = self.token("client credentials", world.DEPLOYER, grant_type="client_credentials")
        return {"Authorization": f"Bearer {answer.text('access_token')}", "Content-Type": "application/json"}

    def switch(self, headers: dict[str, str], *, on: bool) -> Answer:
        path = f"/api/v1/projects/soak/clients/{world.SWITCH}"
        return self.note("HTTP API", self.http.send("PATCH", path, json.dumps({"enabled": on}), headers))
