"""Applications of django-oauth-toolkit become clients: what they keep, and for each what will differ."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from django.db import transaction
from django.utils.translation import override

from clients import registration
from clients.identifiers import client_id_problem, redirect_uri_problem
from clients.metadata import Audience, ClientMetadata
from clients.models import Client
from common.chosen import Kept, keep
from common.hashers import as_kept, problem_of_hash
from idp.moving.source import Record, flag, text
from projects.actors import Actor
from projects.models import Project
from projects.problems import RegistrationError
from projects.scopes import SIGN_IN_SCOPES

LABEL = "importdot"
CODE, DEVICE, OWN = "authorization-code", "urn:ietf:params:oauth:grant-type:device_code", "client-credentials"
GRANTS: Mapping[str, tuple[str, ...]] = {
    CODE: ("authorization_code", "refresh_token"),
    "openid-hybrid": ("authorization_code", "refresh_token"),
    DEVICE: (DEVICE, "refresh_token"),
    OWN: ("client_credentials",),
}
REFUSED: Mapping[str, str] = {
    "implicit": "The implicit grant is not taken over: give the app the authorization code grant with PKCE.",
    "password": "The password grant is not taken over: nobody types a password into an app.",
}


@dataclass(frozen=True, slots=True)
class Seen:
    """What the tokens of an app show."""

    scopes: frozenset[str] = frozenset()
    lifetime: int | None = None


@dataclass(slots=True)
class AppReport:
    """One application: what became of it, and what will differ for it."""

    client_id: str
    name: str
    state: str = "refused"
    differs: list[str] = field(default_factory=list)

    def as_dict(self) -> dict[str, object]:
        return {"client_id": self.client_id, "name": self.name, "state": self.state, "differs": self.differs}


@dataclass(frozen=True, slots=True)
class Plan:
    """Where the apps go."""

    project: Project
    api: str  # identifier; empty: no scopes need one
    offered: frozenset[str]  # its scopes
    seen: Mapping[str, Seen]  # by the key of the application
    everything: frozenset[str]  # scopes that any token shows


def take(rows: Iterable[Record], plan: Plan, by: Actor) -> Iterator[tuple[str, AppReport, Client | None]]:
    """Every application by its key there, what became of it, and its client."""
    for row in rows:
        report = AppReport(text(row["client_id"]), text(row.get("name")) or text(row["client_id"]))
        with override("en"):
            yield text(row["id"]), report, _take(row, plan, by, report)


def _take(row: Record, plan: Plan, by: Actor, report: AppReport) -> Client | None:
    if problem := client_id_problem(report.client_id):
        report.differs.append(problem)
        return None
    known = Client.objects.filter(client_id=report.client_id).select_related("project").first()
    if known is not None:
        here = known.project_id == plan.project.pk
        report.state = "known" if here else "refused"
        if not here:
            report.differs.append("A client of another project has this client ID.")
        return known if here else None
    if why := REFUSED.get(text(row["authorization_grant_type"])) or _by_itself(row):
        report.differs.append(why)
        return None
    wanted = metadata_of_app(row, plan, report)
    try:
        with transaction.atomic():
            client = registration.register(wanted, plan.project, by)
            _give_secret(client, text(row.get("client_secret")), by, report)
    except RegistrationError as error:
        report.differs += [f"{one.field}: {one.message}" for one in error.problems]
        return None
    report.state = "made"
    return client


def _by_itself(row: Record) -> str:
    if text(row.get("registration_source")) in ("", "manual"):
        return ""
    return "It registered itself, and does so again here when guest apps are let in."


def metadata_of_app(row: Record, plan: Plan, report: AppReport) -> ClientMetadata:
    """What it is to be; what it cannot be is said in the report."""
    kind, public = text(row["authorization_grant_type"]), text(row["client_type"]) == "public"
    grants = GRANTS.get(kind, ())
    seen = plan.seen.get(text(row["id"]), Seen())
    scopes = _scopes(seen, plan, report, signs_in="refresh_token" in grants)
    for notes in (_of_sign_ins, _of_id_tokens, _of_tokens):
        report.differs += notes(row, plan, public)
    return ClientMetadata(
        client_id=report.client_id,
        client_name=report.name,
        token_endpoint_auth_method="none" if public else "client_secret_basic",
        grant_types=grants,
        redirect_uris=tuple(_uris(row, "redirect_uris", report)),
        post_logout_redirect_uris=tuple(_uris(row, "post_logout_redirect_uris", report)),
        scope=" ".join(scopes),
        audience=(Audience(plan.api, default=True),) if plan.offered & set(scopes) else (),
        access_token_lifetime=seen.lifetime or ClientMetadata().access_token_lifetime,
        require_pkce=None if public else False,
        rotate_refresh_tokens=None if public else True,
        refresh_tokens="always",
        introspection=None if public else "project",
    )


def _uris(row: Record, column: str, report: AppReport) -> Iterator[str]:
    for uri in dict.fromkeys(text(row.get(column)).split()):
        if problem := redirect_uri_problem(uri):
            report.differs.append(f"Not taken over of {column}: {problem}")
        else:
            yield uri


def _scopes(seen: Seen, plan: Plan, report: AppReport, *, signs_in: bool) -> list[str]:
    """What its tokens show. One without tokens may ask for all that others do, as it might there."""
    named = seen.scopes
    if not named:
        named = plan.everything
        report.differs.append("It has no tokens to show what it asks for: it may ask for what any app did.")
    if not signs_in:
        named = named - SIGN_IN_SCOPES.keys()
    return sorted(one for one in named if one in plan.offered or one in SIGN_IN_SCOPES)


def _of_sign_ins(row: Record, plan: Plan, public: bool) -> Iterator[str]:
    if text(row["authorization_grant_type"]) == OWN:
        return
    if public:
        yield "PKCE with S256 is needed for every sign-in; plain is refused."
    else:
        yield "PKCE is not demanded: set require_pkce when it sends a challenge."
    yield "A refresh token comes with every sign-in (refresh_tokens: always), and people see that in the consent page."
    if flag(row.get("skip_authorization")) and plan.project.consent_mode == "explicit":
        yield "It skipped the consent page: here its project decides, and people are asked once."
    if text(row["authorization_grant_type"]) == "openid-hybrid":
        yield "Answers through the browser with tokens (hybrid flow) are off; it gets a code."


def _of_id_tokens(row: Record, plan: Plan, public: bool) -> Iterator[str]:
    if text(row.get("algorithm")) == "HS256":
        yield "Its ID tokens were signed with its secret (HS256). Here RS256 signs them: it has to read our keys."


def _of_tokens(row: Record, plan: Plan, public: bool) -> Iterator[str]:
    seen = plan.seen.get(text(row["id"]), Seen())
    if "introspection" in seen.scopes:
        yield "It introspects with an access token (scope introspection). Here it does so with its client credentials."
    if not public:
        yield "It may introspect tokens of every app of the project, as it could: narrow it with introspection."


def _give_secret(client: Client, secret: str, by: Actor, report: AppReport) -> None:
    """The hash as it is; what stands there in clear gets one."""
    if not client.uses_secrets:
        return
    if not secret:
        report.differs.append("It has no secret there: make one.")
        return
    kept = as_kept(secret)
    hashed = kept.partition("$")[0] in HASHERS
    if hashed and (problem := problem_of_hash(kept)):
        report.differs.append(f"Its secret is not taken over: {problem} Make a new one.")
        return
    digest = Kept(kept) if hashed else keep(secret)
    registration.give_first_secrets({client: digest}, by, kind="client.secret_adopted", label=LABEL)


# What a secret may begin with that is a hash and not the secret itself: the toolkit tells them apart in this way.
HASHERS = frozenset(
    ("argon2", "bcrypt", "bcrypt_sha256", "pbkdf2_sha1", "pbkdf2_sha256", "scrypt", "md5", "sha1", "pbkdf2_sha512")
)
