"""Ending what people and clients hold, all at once: the lever for incidents, and for after a restore.

First a moment is written before which no token counts, and that alone ends them, JWTs included. Then rows are ended in
pieces, so that lists say what became of them, apps hear that people are signed out, and `cleartokens` finds them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from django.db import models, transaction
from django.db.models import Exists, OuterRef, Q, QuerySet

from accounts.models import SignIn, User
from clients.models import AccessToken, Authorization, Client
from clients.models.choices import ClientTokenFormat, GrantType
from common import clock
from projects.access import open_apis
from projects.actors import Actor
from projects.events import Detail, SecurityEvent, record
from projects.models import Consent, ConsentMode, Project, TokenFormat
from provider.telling import occurrences
from provider.telling.relations import NOTHING_LEFT

ENDED_BECAUSE = "revoked by an operator"
BY_AN_ADMINISTRATOR = "revoked by an administrator"
PIECE = 5_000  # rows ended in one transaction

Row = TypeVar("Row", bound=models.Model)


@dataclass(frozen=True, slots=True)
class Whose:
    """What of whom. One is named, or a person and where they used it; with nobody named it is everybody's.

    `since`: only sign-ins and authorizations made then or later, and what came from them.
    """

    user: User | None = None
    client: Client | None = None
    project: Project | None = None
    since: datetime | None = None
    consents: bool = True

    @property
    def pair(self) -> bool:
        """Of a person at a client or a project. No moment ends just that: rows are ended one by one."""
        return self.user is not None and (self.client is not None or self.project is not None)

    @property
    def everybody(self) -> bool:
        return not (self.user or self.client or self.project)

    @property
    def first_party(self) -> bool:
        """Whether it concerns a project where nobody is asked: who is signed in there gets new tokens at once."""
        project = self.client.project if self.client else self.project
        return project is not None and project.consent_mode == ConsentMode.IMPLICIT

    def authorizations(self) -> QuerySet[Authorization]:
        rows = self._of_them(Authorization.objects.filter(ended_at=None), "user", "client")
        if self.project is None:
            return rows
        return rows.filter(Q(client__project=self.project) | Q(project=self.project))  # that of guest apps

    def sign_ins(self) -> QuerySet[SignIn]:
        """A sign-in is for every app: no client and no project has one of its own."""
        if self.client or self.project:
            return SignIn.objects.none()
        return self._of_them(SignIn.objects.filter(ended_at=None), "user")

    def forgotten(self) -> QuerySet[Consent]:
        """The consents that would silently give it all again."""
        if not self.consents:
            return Consent.objects.none()
        said = Consent.objects.exclude(**NOTHING_LEFT)
        if self.client:
            used = Authorization.objects.filter(consent=OuterRef("pk"), client=self.client)
            said = said.filter(Exists(used), project=self.client.project_id)
        return self._of_them(said, "user", "", "project", made="updated_at")

    def own_tokens(self) -> QuerySet[AccessToken]:
        """Those that clients got for themselves, or by passing on what hangs from another client's authorization.

        Without `since` the moment ends them, but of a person at a client.
        """
        if self.pair:
            passed_on = AccessToken.objects.exclude(actors="").filter(revoked_at=None)
            return self._of_them(
                passed_on, "authorization__user", "application", "application__project", made="created"
            )
        if self.since is None or self.user:
            return AccessToken.objects.none()
        live = AccessToken.objects.filter(Q(authorization=None) | ~Q(actors=""), revoked_at=None)
        return self._of_them(live, "", "application", "application__project", made="created")

    def clients_told_by_nothing(self) -> list[Client]:
        """Clients that may have got JWTs of their own: nobody knows when, so with `since` all they have ends."""
        if self.since is None or self.user:
            return []
        rows = self._of_them(Client.objects.select_related("project"), "", "pk", "project", made="")
        until_lately = _got_jwts_until_lately(self.since)
        return [row for row in rows if _may_have_got_jwts(row, until_lately)]

    def _of_them(
        self, rows: QuerySet[Row], user: str, client: str = "", project: str = "", *, made: str = "created_at"
    ) -> QuerySet[Row]:
        """Those of these rows that are theirs. The lookups that lead from a row to its owners; empty: there is none."""
        owners = ((user, self.user), (client, self.client), (project, self.project))
        which = Q(**{lookup: owner.pk for lookup, owner in owners if owner and lookup})
        return rows.filter(which & Q(**({f"{made}__gte": self.since} if self.since and made else {})))


@dataclass(frozen=True, slots=True)
class Formerly:
    """Whoever took a token may have changed afterwards what would tell that it was a JWT."""

    got_their_own: frozenset[str]  # clients with another grant now
    got_jwts: frozenset[str]  # clients with another format now
    took_jwts: frozenset[str]  # APIs with another format now


def _got_jwts_until_lately(since: datetime) -> Formerly:
    changed = SecurityEvent.objects.filter(at__gte=since)
    clients = list(changed.filter(kind="client.changed").values_list("client_id", "detail"))
    apis = changed.filter(kind="api.changed", detail__has_key="token_format")
    grant = GrantType.CLIENT_CREDENTIALS
    return Formerly(
        frozenset(one for one, detail in clients if grant in detail.get("grant_types", {}).get("before", ())),
        frozenset(one for one, detail in clients if "access_token_format" in detail),
        frozenset(apis.values_list("detail__identifier", flat=True)),
    )


def _may_have_got_jwts(client: Client, formerly: Formerly) -> bool:
    if client.client_id in formerly.got_their_own:
        return True
    if GrantType.CLIENT_CREDENTIALS not in client.grant_types:
        return False
    own = client.access_token_format == ClientTokenFormat.JWT or client.client_id in formerly.got_jwts
    apis = Q(token_format=TokenFormat.JWT) | Q(identifier__in=formerly.took_jwts)
    return own or open_apis(client.home).filter(apis).exists()


@dataclass(frozen=True, slots=True)
class Ended:
    sign_ins: int
    authorizations: int
    own_tokens: int
    consents: int
    clients: tuple[str, ...]  # all tokens of these, however old


def count(whose: Whose) -> Ended:
    """What would end."""
    return Ended(
        whose.sign_ins().count(),
        whose.authorizations().count(),
        whose.own_tokens().count(),
        whose.forgotten().count(),
        _ids(whose.clients_told_by_nothing()),
    )


def revoke(whose: Whose, by: Actor) -> Ended:
    """End it. Running it again goes on where an interrupted run stopped."""
    told_by_nothing = whose.clients_told_by_nothing()
    with transaction.atomic():
        _move_moments(whose, told_by_nothing)
        record(by, "access.revoked", whose.client.client_id if whose.client else "", **_detail(whose))
    now = clock.now()
    # Consents first: a request that adds to one waits, and then finds nothing it could go on with.
    consents = _in_pieces(whose.forgotten(), **NOTHING_LEFT, updated_at=now)
    sign_ins = _in_pieces(whose.sign_ins(), ended_at=now)
    authorizations = end_in_pieces(whose.authorizations())
    own_tokens = _in_pieces(whose.own_tokens(), revoked_at=now)
    return Ended(sign_ins, authorizations, own_tokens, consents, _ids(told_by_nothing))


def end_some(chosen: QuerySet[Authorization], because: str) -> list[Authorization]:
    """End these authorizations, and empty the consents that would give them again. In the transaction of the caller."""
    keys = list(chosen.values_list("pk", flat=True))
    consents = Consent.objects.filter(authorizations__in=keys).distinct()
    Consent.objects.filter(pk__in=list(consents.values_list("pk", flat=True))).update(**NOTHING_LEFT)
    live = Authorization.objects.filter(pk__in=keys, ended_at=None).select_related("client", "user")
    ended = list(live.select_for_update(of=("self",)))
    Authorization.objects.filter(pk__in=[one.pk for one in ended]).update(ended_at=clock.now(), ended_because=because)
    return ended


def end_by(chosen: QuerySet[Authorization], by: Actor) -> list[Authorization]:
    """The same by somebody who manages them; each is an event."""
    ended = end_some(chosen, BY_AN_ADMINISTRATOR)
    for one in ended:
        record(by, "authorization.ended", one.client.client_id, authorization=str(one.pk), person=one.user.sub)
    return ended


def _move_moments(whose: Whose, told_by_nothing: Sequence[Client]) -> None:
    if whose.pair:
        return
    now = clock.now()
    if whose.since is not None:
        Client.objects.filter(pk__in=[one.pk for one in told_by_nothing]).update(tokens_not_before=now)
    elif whose.user:
        User.objects.filter(pk=whose.user.pk).update(tokens_not_before=now)
    elif whose.client:
        Client.objects.filter(pk=whose.client.pk).update(tokens_not_before=now)
    else:
        projects = Project.objects.all()
        (projects.filter(pk=whose.project.pk) if whose.project else projects).update(tokens_not_before=now)


def _detail(whose: Whose) -> dict[str, Detail]:
    said: dict[str, Detail] = {"consents": whose.consents}
    if whose.user:
        said["person"] = whose.user.sub
    if whose.project:
        said["project"] = whose.project.key
    if whose.everybody:
        said["everything"] = True
    return {**said, "since": whose.since.isoformat()} if whose.since else said


def _in_pieces(rows: QuerySet[Row], **values: object) -> int:
    """Give these rows values by which they no longer are among them. Nobody waits longer than for one piece."""
    done = 0
    while keys := list(rows.values_list("pk", flat=True)[:PIECE]):
        done += rows.model._default_manager.filter(pk__in=keys).update(**values)
    return done


def end_in_pieces(rows: QuerySet[Authorization]) -> int:
    """The same of authorizations: whoever is to be told of it is."""
    told, done = occurrences.told_projects(), 0
    while keys := list(rows.values_list("pk", flat=True)[:PIECE]):
        piece, now = Authorization.objects.filter(pk__in=keys), clock.now()
        with transaction.atomic():
            occurrences.of_ended(piece, told, now)
            done += piece.update(ended_at=now, ended_because=ENDED_BECAUSE)
    return done


def _ids(clients: Sequence[Client]) -> tuple[str, ...]:
    return tuple(sorted(one.client_id for one in clients))
