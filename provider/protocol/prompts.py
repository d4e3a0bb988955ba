"""Which interaction an authorization request needs, in the order of protocol section 12."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum

from provider.protocol.errors import (
    ConsentRequired,
    InteractionRequired,
    InvalidRequest,
    LoginRequired,
    UnmetAuthenticationRequirements,
)
from provider.protocol.facts import ClientFacts, SignInFacts
from provider.protocol.request import Params
from provider.protocol.requested_claims import parse

PROMPTS = ("none", "login", "consent", "select_account")
MAX_HINT = 8192
MAX_ACRS = 20


class Interaction(Enum):
    """What to show next; NOTHING: go on to the code."""

    NOTHING = "nothing"
    LOGIN = "login"  # nobody is signed in
    REAUTHENTICATE = "reauthenticate"  # somebody is, but must prove it again
    SWITCH = "switch"  # somebody else has to sign in
    STEP_UP = "step up"  # this person, by one factor more
    CONSENT = "consent"


@dataclass(frozen=True, slots=True)
class RequestedAuthentication:
    """prompt, max_age, acr_values and the `sub` and `acr` of claims (OpenID Connect Core 1.0 3.1.2.1, 5.5.1).

    No subs: whoever it is. `acrs` in the client's order of preference; none with `acr_essential`: any at all.
    """

    prompts: frozenset[str] = frozenset()
    max_age: int | None = None
    subs: frozenset[str] = frozenset()
    acrs: tuple[str, ...] = ()
    acr_essential: bool = False

    @property
    def silent(self) -> bool:
        return "none" in self.prompts

    @property
    def wants_fresh_sign_in(self) -> bool:
        return "login" in self.prompts or self.max_age == 0


@dataclass(frozen=True, slots=True)
class SessionFacts:
    """What the browser brings. `proved`: signed in or proved themselves after this very request asked for it."""

    sign_in: SignInFacts | None
    now: int
    sub: str = ""  # what the client knows the person by who is signed in, or half-way there
    hint_sub: str = ""
    proved: bool = False
    half_way: bool = False  # nobody is signed in yet, but somebody's sign-in waits for its next step
    acrs_met: frozenset[str] = frozenset()  # what this sign-in is good enough for
    acrs_offered: frozenset[str] = frozenset()  # what a sign-in could be good enough for
    can_step_up: bool = False  # the person has the means already
    consent_missing: bool = False
    must_show_consent: bool = False


def read(params: Params) -> RequestedAuthentication:
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
    voluntary = tuple(dict.fromkeys(word for word in params.one("acr_values").split(" ") if word))
    if len(voluntary) > MAX_ACRS:
        raise InvalidRequest(f"At most {MAX_ACRS} acr_values may be asked for.")
    claims = parse(params.one("claims"))
    return RequestedAuthentication(
        prompts,
        int(text) if text else None,
        claims.subs,
        claims.acrs or (() if claims.acr_essential else voluntary),
        claims.acr_essential,
    )


def asked_by(params: Params, client: ClientFacts) -> RequestedAuthentication:
    """The same, with what the client registered for requests that do not say it (Registration 1.0 section 2)."""
    said = read(params)
    max_age = client.default_max_age if said.max_age is None else said.max_age
    acrs = said.acrs or (() if said.acr_essential else client.default_acrs)
    return replace(said, max_age=max_age, acrs=acrs)


def decide(requested: RequestedAuthentication, session_facts: SessionFacts) -> Interaction:
    """Steps 4 to 9. With prompt=none what would need a page is an error instead."""
    if session_facts.hint_sub and requested.subs and session_facts.hint_sub not in requested.subs:
        raise InvalidRequest("id_token_hint and the sub of claims mean different people.")
    return (
        _sign_in(requested, session_facts)
        or _step_up(requested, session_facts)
        or _consent(requested, session_facts)
        or Interaction.NOTHING
    )


def _sign_in(requested: RequestedAuthentication, session_facts: SessionFacts) -> Interaction | None:
    """Steps 5 to 7."""
    needed = _who(requested, session_facts) or _how_long_ago(requested, session_facts)
    if needed is not None and requested.silent:
        raise LoginRequired("The person has to sign in, and prompt=none forbids asking.")
    return needed


def _who(requested: RequestedAuthentication, session_facts: SessionFacts) -> Interaction | None:
    if session_facts.sign_in is None and not (session_facts.half_way and requested.silent):
        return Interaction.LOGIN
    if session_facts.hint_sub not in ("", session_facts.sub) or (
        requested.subs and session_facts.sub not in requested.subs
    ):
        return Interaction.SWITCH
    return None


def _how_long_ago(requested: RequestedAuthentication, session_facts: SessionFacts) -> Interaction | None:
    if session_facts.proved or session_facts.sign_in is None:
        return None
    if "select_account" in requested.prompts:
        return Interaction.SWITCH
    age = session_facts.now - session_facts.sign_in.auth_time
    too_old = requested.max_age is not None and age > requested.max_age
    return Interaction.REAUTHENTICATE if requested.wants_fresh_sign_in or too_old else None


def _step_up(requested: RequestedAuthentication, session_facts: SessionFacts) -> Interaction | None:
    """Step 8. What is only preferred is tried where the person has the means, and never fails."""
    wanted = frozenset(requested.acrs) or (session_facts.acrs_offered if requested.acr_essential else frozenset())
    met = not wanted or bool(wanted & session_facts.acrs_met)
    if not met and requested.acr_essential:
        if requested.silent or not wanted & session_facts.acrs_offered:
            raise UnmetAuthenticationRequirements("This sign-in does not reach the acr that is essential.")
        return Interaction.STEP_UP
    if session_facts.sign_in is None:
        raise InteractionRequired("A sign-in waits for its next step, and prompt=none forbids showing it.")
    possible = session_facts.can_step_up and not requested.silent and bool(wanted & session_facts.acrs_offered)
    return Interaction.STEP_UP if possible and not met else None


def _consent(requested: RequestedAuthentication, session_facts: SessionFacts) -> Interaction | None:
    """Step 9."""
    if not (session_facts.consent_missing or session_facts.must_show_consent or "consent" in requested.prompts):
        return None
    if requested.silent:
        raise ConsentRequired("The person has to consent, and prompt=none forbids asking.")
    return Interaction.CONSENT


def acr_told(requested: RequestedAuthentication, own: str, met: frozenset[str]) -> str:
    """The `acr` of the tokens: what was asked for, where the sign-in is as good as that (section 5.5.1.1)."""
    return own if own in requested.acrs else next((acr for acr in requested.acrs if acr in met), own)
