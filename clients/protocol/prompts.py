"""Which interaction an authorization request needs, in the order of protocol section 12."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from urllib.parse import urlsplit

from clients.protocol.errors import ConsentRequired, InvalidRequest, LoginRequired
from clients.protocol.facts import ClientFacts, SignInFacts
from clients.protocol.request import Params

PROMPTS = ("none", "login", "consent", "select_account")
MAX_HINT = 8192


class Interaction(Enum):
    """What to show next; NOTHING: go on to the code."""

    NOTHING = "nothing"
    LOGIN = "login"  # nobody is signed in
    REAUTHENTICATE = "reauthenticate"  # somebody is, but must prove it again
    SWITCH = "switch"  # somebody else has to sign in
    CONSENT = "consent"


@dataclass(frozen=True, slots=True)
class Wish:
    """prompt and max_age as sent (OpenID Connect Core 1.0 section 3.1.2.1)."""

    prompts: frozenset[str] = frozenset()
    max_age: int | None = None

    @property
    def silent(self) -> bool:
        return "none" in self.prompts

    @property
    def wants_fresh_sign_in(self) -> bool:
        return "login" in self.prompts or self.max_age == 0


@dataclass(frozen=True, slots=True)
class Situation:
    """What the browser brings. `proved`: signed in or proved themselves after this very request asked for it."""

    sign_in: SignInFacts | None
    now: int
    sub: str = ""
    hint_sub: str = ""
    proved: bool = False
    consent_missing: bool = False
    must_show_consent: bool = False


def read(params: Params) -> Wish:
    """Step 3: what is malformed is refused before anybody is asked anything."""
    prompts = frozenset(word for word in params.one("prompt").split(" ") if word)
    if unknown := prompts - set(PROMPTS):
        raise InvalidRequest(f"Unknown prompt: {min(unknown)[:40]}.")
    if "none" in prompts and len(prompts) > 1:
        raise InvalidRequest("prompt=none must stand alone.")
    if len(params.one("id_token_hint")) > MAX_HINT:
        raise InvalidRequest("id_token_hint is too long.")
    text = params.one("max_age")
    if text and not (text.isascii() and text.isdigit() and len(text) <= 10):
        raise InvalidRequest("max_age must be a number of seconds.")
    return Wish(prompts, int(text) if text else None)


def decide(wish: Wish, situation: Situation) -> Interaction:
    """Steps 5 to 9. With prompt=none what would need a page is an error instead."""
    interaction = _sign_in(wish, situation)
    if interaction is not Interaction.NOTHING:
        if wish.silent:
            raise LoginRequired("The person has to sign in, and prompt=none forbids asking.")
        return interaction
    if situation.consent_missing or situation.must_show_consent or "consent" in wish.prompts:
        if wish.silent:
            raise ConsentRequired("The person has to consent, and prompt=none forbids asking.")
        return Interaction.CONSENT
    return Interaction.NOTHING


def _sign_in(wish: Wish, situation: Situation) -> Interaction:
    if situation.sign_in is None:
        return Interaction.LOGIN
    if situation.hint_sub and situation.hint_sub != situation.sub:
        return Interaction.SWITCH
    if situation.proved:
        return Interaction.NOTHING
    if "select_account" in wish.prompts:
        return Interaction.SWITCH
    age = situation.now - situation.sign_in.auth_time
    if wish.wants_fresh_sign_in or (wish.max_age is not None and age > wish.max_age):
        return Interaction.REAUTHENTICATE
    return Interaction.NOTHING


def always_asks(redirect_uri: str) -> bool:
    """Custom schemes and loopback: another program may receive the code, so the person always sees a screen."""
    url = urlsplit(redirect_uri)
    return url.scheme != "https" or url.hostname in ("localhost", "127.0.0.1", "::1")


def shares_consent(client: ClientFacts, redirect_uri: str) -> bool:
    """Whether what the person allowed other clients of the project counts for this one (protocol section 11)."""
    return client.registered_by_administrator and not always_asks(redirect_uri)


def remembers_its_own(client: ClientFacts, redirect_uri: str) -> bool:
    """A client that registered itself and can keep a secret is asked once for what only it was allowed."""
    return not client.registered_by_administrator and not client.public and not always_asks(redirect_uri)
