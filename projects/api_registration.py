"""The one place where an API, its scopes and whom it is shared with are made, changed and deleted.

What allowlists of clients have to say is for `clients.resources`; doors ask there.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import fields, replace
from datetime import datetime

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from accounts.moments import moment_problem
from common import clock
from projects import guest_policy, matcher, quotas
from projects.actors import Actor, Right
from projects.apis import grouped, resolve
from projects.events import Detail, acting, record
from projects.facts import ApiFacts
from projects.metadata import ApiMetadata, Scope
from projects.models import Api, ApiScope, Project, Shared, one_at_a_time
from projects.problems import Problem, new_problems, of_validation, require
from projects.rules import lifetime_problem, long_lifetime_problem, scope_problem
from projects.tombstones import was_an_api, was_anothers

COLUMNS = (
    *("name", "description", "token_format", "token_signing_alg", "token_lifetime", "tokens_not_before"),
    "shared",
)
OVERLAP = "overlap"  # a code: the address lies on, above or below one of another project


def metadata_of(api: Api) -> ApiMetadata:
    """What an API is now."""
    return metadata_of_all([api])[0]


def metadata_of_all(apis: Sequence[Api]) -> list[ApiMetadata]:
    """The same of several, in as many statements as of one."""
    sharing = Api.shared_with.through._default_manager.filter(api__in=apis)
    shared = grouped(sharing.order_by("project__key").values_list("api", "project__key"))
    rows = ApiScope.objects.filter(api__in=apis)
    scopes = grouped((row.api_id, Scope(row.name, row.description, row.sensitive, row.guests)) for row in rows)
    return [
        ApiMetadata(
            identifier=api.identifier,
            shared_with=tuple(shared.get(api.pk, ())),
            scopes=tuple(scopes.get(api.pk, ())),
            **{name: getattr(api, name) for name in COLUMNS},
        )
        for api in apis
    ]


# --- Problems ------------------------------------------------------------------------------------------------------


def problems(wanted: ApiMetadata, project: Project, by: Actor, api: Api | None = None) -> list[Problem]:
    """Everything that stands in the way of this API."""
    if not by.edits(project):
        return [Problem("project", _("You may not change the APIs of this project."))]

    def judge(one: ApiMetadata) -> list[Problem]:
        return [*_own(one, project, api), *scope_problems(one.scopes)]

    before = metadata_of(api) if api else None
    return [
        *_room(project, by, api),
        *new_problems(judge, wanted, before),
        *_address(wanted, project, by, api),
        *_tokens(wanted, by, before),
        *_sharing(wanted, by, api),
    ]


def _room(project: Project, by: Actor, api: Api | None) -> Iterator[Problem]:
    if api is None and (problem := quotas.no_room(project.apis.count, quotas.APIS, by)):
        yield Problem("project", problem)


def _own(wanted: ApiMetadata, project: Project, api: Api | None) -> Iterator[Problem]:
    row = Api(pk=api.pk if api else None, project=project, identifier=wanted.identifier)
    row._state.adding = api is None
    for name in COLUMNS:
        setattr(row, name, getattr(wanted, name))
    if problem := lifetime_problem(wanted.token_lifetime, nullable=True):
        yield Problem("token_lifetime", problem)
    try:
        row.full_clean(exclude=["canonical", "origin", "token_lifetime"])
    except ValidationError as error:
        for one in of_validation(error):
            yield Problem(one.field, one.message, OVERLAP if one.field == "identifier" else "")


def _address(wanted: ApiMetadata, project: Project, by: Actor, api: Api | None) -> Iterator[Problem]:
    try:
        canonical = matcher.canonical(wanted.identifier)
    except matcher.Malformed:
        return
    if api is not None and (canonical != api.canonical or api.project_id != project.pk):
        yield Problem("identifier", _("The identifier and the project of an API stay."))
    elif api is None and Api.objects.filter(canonical=canonical, project=project).exists():
        yield Problem("identifier", _("This project has an API with this identifier already."))
    elif api is None and not by.may(Right.TAKE_ADDRESSES) and was_anothers(wanted.identifier, project):
        yield Problem("identifier", _("This address overlaps an API of another project."), OVERLAP)


def _tokens(wanted: ApiMetadata, by: Actor, before: ApiMetadata | None) -> Iterator[Problem]:
    """How long they live, and which are ended."""
    lifetime, moment = (before.token_lifetime, before.tokens_not_before) if before else (None, None)
    too_long = "" if by.may(Right.ALLOW_LONG_LIFETIMES) else long_lifetime_problem(lifetime, wanted.token_lifetime)
    if too_long and not lifetime_problem(wanted.token_lifetime, nullable=True):
        yield Problem("token_lifetime", too_long)
    if wanted.tokens_not_before != moment and (problem := moment_problem(moment, wanted.tokens_not_before)):
        yield Problem("tokens_not_before", problem)


def _sharing(wanted: ApiMetadata, by: Actor, api: Api | None) -> Iterator[Problem]:
    """With projects one sees, and those listed before: which other projects exist is nobody's business."""
    if wanted.shared == Shared.LISTED and not wanted.shared_with:
        yield Problem("shared_with", _("List at least one project, or share with nobody."), "empty")
    known = set(by.visible().filter(key__in=wanted.shared_with).values_list("key", flat=True))
    kept = set(api.shared_with.values_list("key", flat=True)) if api else set()
    for index, key in enumerate(wanted.shared_with):
        if key not in known | kept:
            anywhere = by.may(Right.NAME_OTHER_PROJECTS)
            message = (
                _("There is no project with this key: %(keys)s.")
                if anywhere
                else _("Not a project you are a member of: %(keys)s.")
            )
            yield Problem(f"shared_with[{index}]", message % {"keys": key}, "missing", key)


def scope_problems(scopes: Sequence[Scope]) -> Iterator[Problem]:
    """What is wrong with the scopes of one API."""
    if len(scopes) > quotas.API_SCOPES:
        yield Problem(f"scopes[{quotas.API_SCOPES}].name", quotas.too_many(quotas.API_SCOPES))
    seen: set[str] = set()
    for index, scope in enumerate(scopes):
        where = f"scopes[{index}]"
        if problem := scope_problem(scope.name):
            yield Problem(f"{where}.name", problem)
            continue
        if scope.name in seen:
            yield Problem(f"{where}.name", _("This scope is listed twice."))
        seen.add(scope.name)
        try:
            row = ApiScope(name=scope.name, description=scope.description, sensitive=scope.sensitive)
            row.full_clean(exclude=["api"], validate_unique=False, validate_constraints=False)
        except ValidationError as error:
            yield from (Problem(f"{where}.{one.field}", one.message) for one in of_validation(error))


# --- Writing -------------------------------------------------------------------------------------------------------


def register(wanted: ApiMetadata, project: Project, by: Actor) -> Api:
    """A new API. Raises RegistrationError."""
    with acting(by), transaction.atomic():
        one_at_a_time()
        require(problems(wanted, project, by))
        above = resolve(wanted.identifier)
        api = Api(project=project, others_not_before=above.others_not_before if above else None)
        _write(api, replace(wanted, tokens_not_before=_over_before(wanted, above)))
        record(by, "api.created", project=project.key, identifier=api.identifier)
    return api


def _over_before(wanted: ApiMetadata, above: ApiFacts | None) -> datetime | None:
    """Before which moment tokens for this new API are over: what was over at its address stays so.

    An API that was deleted there took its moment with it. And until now the address was of the one `above`.
    """
    moments = [wanted.tokens_not_before, above.tokens_not_before if above else None]
    if was_an_api(wanted.identifier):
        moments.append(clock.end_of_all_before(None, on=True))
    return max(filter(None, moments), default=None)


def locked(canonical: str, project: Project) -> Api | None:
    """The project's API of this address; nobody else changes it until the transaction ends."""
    one_at_a_time()
    return Api.objects.select_for_update(of=("self",)).filter(canonical=canonical, project=project).first()


def change(api: Api, wanted: ApiMetadata, by: Actor) -> list[str]:
    """Make it what is wanted, and answer what that changed. Raises RegistrationError."""
    with acting(by), transaction.atomic():
        one_at_a_time()
        api.refresh_from_db(from_queryset=Api.objects.select_for_update(of=("self",)))
        require(problems(wanted, api.project, by, api))
        before = metadata_of(api)
        moved = [
            one.name for one in fields(wanted) if _told(getattr(before, one.name)) != _told(getattr(wanted, one.name))
        ]
        if moved:
            if _takes_back(before, wanted):
                api.others_not_before = clock.now()
            if guest_policy.closes_a_scope(before, wanted):
                api.guests_not_before = clock.now()
            _write(api, wanted)
            told: dict[str, Detail] = {
                name: {"before": _told(getattr(before, name)), "after": _told(getattr(wanted, name))} for name in moved
            }
            record(by, "api.changed", project=api.project.key, **{"identifier": api.identifier, **told})
    return moved


def _takes_back(before: ApiMetadata, after: ApiMetadata) -> bool:
    """Whether clients of some project may no longer ask for it."""
    if before.shared == Shared.LISTED and after.shared == Shared.LISTED:
        return not set(before.shared_with) <= set(after.shared_with)
    order = (Shared.PRIVATE, Shared.LISTED, Shared.PUBLIC)
    return order.index(Shared(after.shared)) < order.index(Shared(before.shared))


def differences(before: ApiMetadata, after: ApiMetadata) -> list[str]:
    """The fields in which they differ; lists have no order."""
    return [one.name for one in fields(after) if _told(getattr(before, one.name)) != _told(getattr(after, one.name))]


def end_tokens(api: Api, by: Actor) -> None:
    """Every token for it that was issued until now stops working, whoever has it. Raises RegistrationError."""
    with acting(by), transaction.atomic():
        if not by.edits(api.project):
            require([Problem("project", _("You may not change the APIs of this project."))])
        api.refresh_from_db(from_queryset=Api.objects.select_for_update(of=("self",)))
        api.tokens_not_before = max(filter(None, [api.tokens_not_before, clock.now()]))
        api.save(update_fields=["tokens_not_before"])
        record(by, "api.tokens_ended", project=api.project.key, identifier=api.identifier)


def delete(api: Api, by: Actor) -> None:
    """Its address stays closed to other projects (`projects.tombstones`)."""
    with acting(by), transaction.atomic():
        if not by.edits(api.project):
            require([Problem("project", _("You may not change the APIs of this project."))])
        api.delete()


def _told(value: object) -> object:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Scope):
        marks = ((value.sensitive, " (sensitive)"), (value.guests, " (open to guest apps)"))
        return f"{value.name}: {value.description}{''.join(text for marked, text in marks if marked)}"
    return sorted(str(_told(one)) for one in value) if isinstance(value, tuple) else value


def _write(api: Api, wanted: ApiMetadata) -> None:
    api.identifier = wanted.identifier
    for name in COLUMNS:
        setattr(api, name, getattr(wanted, name))
    api.save()
    api.shared_with.set(Project.objects.filter(key__in=wanted.shared_with))
    rows = {row.name: row for row in api.scopes.all()}
    for scope in wanted.scopes:
        row = rows.pop(scope.name, None) or ApiScope(api=api, name=scope.name)
        said = {"description": scope.description, "sensitive": scope.sensitive, "guests": scope.guests}
        if row._state.adding or any(getattr(row, name) != value for name, value in said.items()):
            vars(row).update(said)
            row.save()
    for row in rows.values():
        row.delete()
