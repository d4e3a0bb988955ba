"""Projects and their APIs as facts, read from the database or remembered; and which audiences a project may use."""

from __future__ import annotations

from collections.abc import Collection, Container, Iterable
from dataclasses import replace
from functools import lru_cache
from typing import TypeVar

from django.conf import settings
from django.utils.translation import gettext as _

from accounts.models import Attribute
from common import cache
from projects.admission import belongs as read_belongs
from projects.claim_table import ATTRIBUTE, ClaimRow, effective, of_stored
from projects.facts import NO_PROJECT, ApiFacts, Apis, ProjectFacts
from projects.matcher import Malformed, parse
from projects.models import Api, ApiScope, Project, Status
from projects.scopes import ADMIN_SCOPES
from projects.sectors import PAIRWISE
from projects.sign_in import ANYONE, Belongs, Rule

Value = TypeVar("Value")
# Of an API, by the names of both the column and the fact.
COLUMNS = (
    "identifier",
    "project_id",
    "shared",
    "token_format",
    "token_signing_alg",
    "token_lifetime",
    "tokens_not_before",
    "others_not_before",
    "guests_not_before",
)


def project_facts(project: Project) -> ProjectFacts:
    return ProjectFacts(
        id=project.pk,
        key=project.key,
        consent_mode=project.consent_mode,
        cross_client=project.cross_client,
        testing=project.status == Status.TESTING,
        tokens_not_before=project.tokens_not_before,
        longest_grant=project.longest_grant,
        grants_not_before=project.grants_not_before,
        profile=project.profile,
        pushes=project.require_pushed_authorization_requests,
        consent_uri=project.consent_uri,
        claims=effective(_table(project)),
        sign_in=project.sign_in_rule,
        subject_type=project.subject_type,
        subject_salt=project.subject_salt,
    )


def _table(project: Project) -> tuple[ClaimRow, ...]:
    """What it says, and of its attributes which are lists: an empty one is told, too."""
    rows = of_stored(project.claims)
    if not any(row.source == ATTRIBUTE for row in rows):
        return rows
    lists = cache.once(_lists)
    return tuple(replace(row, many=row.source == ATTRIBUTE and row.attribute in lists) for row in rows)


def _lists() -> frozenset[str]:
    return frozenset(Attribute.objects.filter(type="list").values_list("name", flat=True))


def guest_terms(project: Project) -> ProjectFacts:
    """What a project is to the guest apps that it lets in: never first party, and nobody's siblings."""
    longest = [one for one in (project.longest_grant, project.guest_longest_grant) if one is not None]
    over = [one for one in (project.grants_not_before, project.guests_not_before) if one is not None]
    return replace(
        project_facts(project),
        consent_mode="explicit",
        cross_client="off",
        consent_uri="",
        longest_grant=min(longest, default=None),
        grants_not_before=max(over, default=None),
        to_guests=True,
        claims=(),  # apps from outside hear nothing of groups and roles
        guest_apps=project.guest_apps,
        guest_hosts=frozenset(project.guest_hosts),
    )


def terms_of(project_id: int) -> ProjectFacts | None:
    """The same by the number of a project; None: it is gone."""
    return cache.find(_load_terms, project_id)


def _load_terms(ids: Collection[int]) -> dict[int, ProjectFacts]:
    return {project.pk: guest_terms(project) for project in Project.objects.filter(pk__in=ids)}


def apis_near(audiences: Iterable[str]) -> Apis:
    """Registered APIs that could cover one of these audiences: those on the same origin."""
    origins = {origin for value in audiences if (origin := _origin(value))}
    if not origins:
        return Apis()
    found = cache.look_up(_load_apis, origins)
    own = _origin(settings.IDP_ISSUER)
    if own in origins:
        found[own] = Apis.of([own_api(), *found.get(own, ())])
    return Apis.joined(found.values())


def _load_apis(origins: Collection[str]) -> dict[str, Apis]:
    """Columns, not rows of a model: an origin may have thousands, and each change makes a process read them anew."""
    rows = Api.objects.filter(origin__in=origins)
    offered = list(ApiScope.objects.filter(api__in=rows).order_by().values_list("api", "name", "guests"))
    scopes = grouped((api, name) for api, name, _guests in offered)
    to_guests = grouped((api, name) for api, name, guests in offered if guests)
    shared = grouped(Api.shared_with.through.objects.filter(api__in=rows).values_list("api", "project"))
    by_origin: dict[str, list[ApiFacts]] = {}
    columns = ("pk", "origin", "project__subject_type", *COLUMNS)
    for pk, origin, subject_type, *values in rows.order_by().values_list(*columns):
        of_it = dict(zip(COLUMNS, values, strict=True))
        api = ApiFacts(
            scopes=frozenset(scopes.get(pk, ())),
            shared_with=frozenset(shared.get(pk, ())),
            guest_scopes=frozenset(to_guests.get(pk, ())),
            pairwise=subject_type == PAIRWISE,
            **of_it,
        )
        by_origin.setdefault(origin, []).append(api)
    return {origin: Apis.of(apis) for origin, apis in by_origin.items()}


def grouped(pairs: Iterable[tuple[int, Value]]) -> dict[int, list[Value]]:
    """The values of each key, in their order."""
    found: dict[int, list[Value]] = {}
    for key, value in pairs:
        found.setdefault(key, []).append(value)
    return found


def own_api() -> ApiFacts:
    """The provider's own API (docs/api.md): of no project. Only a superuser lets a client list it."""
    return ApiFacts(identifier=own_identifier(), project_id=NO_PROJECT, scopes=frozenset(ADMIN_SCOPES))


def own_identifier() -> str:
    return f"{settings.IDP_ISSUER}/api/v1"


@lru_cache(maxsize=4096)
def _origin(value: str) -> str:
    try:
        return parse(value).origin
    except Malformed:
        return ""


def admits(
    project: ProjectFacts,
    person_id: int,
    own: Rule = ANYONE,
    belongs: Belongs | None = None,
    tested: Container[int] | None = None,
) -> bool:
    """Whether this person may use its clients, and the one that has this rule of its `own` (protocol section 32).

    In testing only test users may; and each rule has to let them in. What was read with the person: what they belong
    to, and the projects `tested` by them.
    """
    if project.testing and not (_tests(person_id, project) if tested is None else project.id in tested):
        return False
    rules = [one for one in (project.sign_in, own) if one.restricts]
    if rules and belongs is None:
        belongs = read_belongs(person_id)
    return all(belongs is not None and one.lets_in(belongs) for one in rules)


def _tests(person_id: int, project: ProjectFacts) -> bool:
    return bool(Project.objects.filter(pk=project.id, test_users=person_id).exists())


def resolve(value: str) -> ApiFacts | None:
    """The most specific Api that covers this audience, as a request would find it."""
    return apis_near([value]).resolve(value)


def refusal_to_list(value: str, project: Project, apis: Apis | None = None) -> str:
    """Why this audience may not stand in an allowlist of the project's clients, or an empty string.

    The very rule every request is checked by. An entry that lies above somebody else's API is fine: what is asked
    below it is resolved again at every request (protocol section 0).
    """
    api = resolve(value) if apis is None else apis.resolve(value)
    if api is None or api.open_to(project_facts(project)):
        return ""
    return _("This audience belongs to an API that is not shared with this project.")
