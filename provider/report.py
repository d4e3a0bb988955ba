"""What an auditor asks: who may what, who changed what, what is not used, and where a second step is missing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime

from allauth.mfa.models import Authenticator
from django.db.models import Exists, F, OuterRef, Q, QuerySet, Sum

from accounts.models import User
from clients.metadata import EVERY_PROJECT
from clients.models import AccessToken, Authorization, Client, ClientSecret, RefusedRequest, SigningKey
from common import clock
from projects.events import SecurityEvent
from projects.models import Member
from projects.scopes import ADMIN_PREFIX, ADMIN_SCOPES, SCIM_PREFIX
from provider.keys.standing import ENDED, sealed_under

SECOND_STEPS = (Authenticator.Type.TOTP, Authenticator.Type.WEBAUTHN)
CHANGES = (
    *("project.", "member.", "api.", "client.", "key.", "configuration.", "access.", "authorization."),
    *("person.", "people.", "role.", "invitation.", "connector.", "webhook.", "initial_token.", "guest_host."),
)
BY_NOBODY = ("client.locked_out", "connector.refused", "webhook.disabled")  # of those kinds, nobody's decisions
MOST = 200  # refusals of different kinds

Row = dict[str, object]


@dataclass(frozen=True, slots=True)
class Section:
    name: str
    title: str
    rows: Callable[[datetime], Iterator[Row]]


def sections() -> list[Section]:
    return [
        Section("people_with_rights", "Who may what", people_with_rights),
        Section("without_second_step", "Who has rights and no second step", without_second_step),
        Section("clients_with_rights", "Which clients manage this provider", clients_with_rights),
        Section("changes", "Who changed what", changes),
        Section("unused_clients", "Clients that were not used", unused_clients),
        Section("unused_secrets", "Secrets that were not used", unused_secrets),
        Section("secrets", "Secrets by age", secrets),
        Section("keys", "Signing keys by age", keys),
        Section("refusals", "Refusals by reason", refusals),
    ]


# --- People --------------------------------------------------------------------------------------------------------


def people_with_rights(since: datetime) -> Iterator[Row]:
    """Everybody who may do more than sign in, with each of their roles."""
    for user in _with_rights():
        yield {
            "username": user.username,
            "sub": user.sub,
            "active": user.is_active,
            "superuser": user.is_superuser,
            "console": user.is_staff,
            "roles": [f"{role} of {key}" for key, role in _roles().get(user.pk, ())],
            "second_step": bool(getattr(user, "second_step", False)),
            "last_login": user.last_login,
        }


def clients_with_rights(since: datetime) -> Iterator[Row]:
    """Those that may ask for the HTTP API, for people or by themselves: then at the projects that they were given."""
    managing = Q(scope__contains=ADMIN_PREFIX) | Q(scope__contains=SCIM_PREFIX)
    rows = Client.objects.filter(managing).select_related("project")
    for client in rows.prefetch_related("administers").order_by("client_id"):
        if scopes := [one for one in client.scope.split() if one in ADMIN_SCOPES]:
            given = sorted(project.key for project in client.administers.all())
            yield {
                "client_id": client.client_id,
                "project": client.project.key if client.project else None,
                "enabled": client.enabled,
                "scopes": scopes,
                "administers": [EVERY_PROJECT] if client.administers_all else given,
            }


def without_second_step(since: datetime) -> Iterator[Row]:
    for row in people_with_rights(since):
        if row["active"] and not row["second_step"]:
            yield {name: row[name] for name in ("username", "sub", "superuser", "roles", "last_login")}


def _with_rights() -> QuerySet[User]:
    has = Exists(Authenticator.objects.filter(user=OuterRef("pk"), type__in=SECOND_STEPS))
    some = Q(is_superuser=True) | Q(is_staff=True) | Exists(Member.objects.filter(user=OuterRef("pk")))
    return User.objects.filter(some).annotate(second_step=has).order_by("-is_superuser", "username")


def _roles() -> dict[int, list[tuple[str, str]]]:
    found: dict[int, list[tuple[str, str]]] = {}
    for user, key, role in Member.objects.order_by("project__key").values_list("user", "project__key", "role"):
        found.setdefault(user, []).append((key, role))
    return found


# --- Changes -------------------------------------------------------------------------------------------------------


def changes(since: datetime) -> Iterator[Row]:
    """How often each did what. `events` shows every one of them."""
    kinds = Q()
    for prefix in CHANGES:
        kinds |= Q(kind__startswith=prefix)
    rows = SecurityEvent.objects.filter(kinds, at__gte=since).exclude(kind__in=BY_NOBODY).order_by("pk")
    found: Counter[tuple[str, str]] = Counter()
    for sub, kind, detail in rows.values_list("sub", "kind", "detail").iterator(chunk_size=2_000):
        found[_who(sub, detail), kind] += 1
    names = dict(User.objects.filter(sub__in={who for who, _kind in found}).values_list("sub", "username"))
    for (who, kind), times in sorted(found.items()):
        yield {"who": names.get(who, who), "kind": kind, "times": times}


def _who(sub: str, detail: dict[str, object]) -> str:
    """A person by their sub, else the command or door with whoever ran it."""
    door, ran = (str(detail.get(name) or "") for name in ("by", "run_by"))
    return sub or (f"{door} ({ran})" if ran else door) or "nobody known"


# --- What is not used ----------------------------------------------------------------------------------------------


def unused_clients(since: datetime) -> Iterator[Row]:
    """Enabled clients that since then used no secret, got no token that is kept, and were allowed nothing."""
    secret = ClientSecret.objects.filter(client=OuterRef("pk"), last_used_at__gte=since)
    recent = Q(created_at__gte=since) | Q(rotated_at__gte=since)
    allowed = Authorization.objects.filter(recent, client=OuterRef("pk"))
    token = AccessToken.objects.filter(application=OuterRef("pk"), created__gte=since)
    rows = Client.objects.filter(~Exists(secret), ~Exists(allowed), ~Exists(token), enabled=True, created__lt=since)
    for client in rows.select_related("project").order_by("client_id"):
        project = client.project.key if client.project else None
        yield {"client_id": client.client_id, "project": project, "created_at": client.created}


def unused_secrets(since: datetime) -> Iterator[Row]:
    never = Q(last_used_at=None, created_at__lt=since) | Q(last_used_at__lt=since)
    yield from _secrets(_live_secrets().filter(never))


def secrets(since: datetime) -> Iterator[Row]:
    yield from _secrets(_live_secrets())


def _live_secrets() -> QuerySet[ClientSecret]:
    now = clock.now()
    live = Q(expires_at=None) | Q(expires_at__gt=now)
    return ClientSecret.objects.filter(live, slot__isnull=False).select_related("client").order_by("created_at", "pk")


def _secrets(rows: QuerySet[ClientSecret]) -> Iterator[Row]:
    for one in rows:
        yield {
            "client_id": one.client.client_id,
            "slot": one.slot,
            "label": one.label,
            "created_at": one.created_at,
            "last_used_at": one.last_used_at,
            "expires_at": one.expires_at,
        }


# --- Keys and refusals ---------------------------------------------------------------------------------------------


def keys(since: datetime) -> Iterator[Row]:
    for one in SigningKey.objects.order_by("created_at", "kid"):
        if one.state in ENDED and one.believed_until and one.believed_until < since:
            continue
        yield {
            "kid": one.kid,
            "algorithm": one.algorithm,
            "state": one.state,
            "created_at": one.created_at,
            "activated_at": one.activated_at,
            "sealed_under": sealed_under(one),
        }


def refusals(since: datetime) -> Iterator[Row]:
    """By what was said and by the step that said it, the most frequent first."""
    rows = RefusedRequest.objects.filter(last_at__gte=since).order_by().values("endpoint", "error", "step")
    for one in rows.annotate(times=Sum("count")).order_by(F("times").desc(), "error", "step")[:MOST]:
        yield dict(one)
