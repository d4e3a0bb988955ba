"""What a client may be, given what else there is and who acts. `clients.rules` says the rest."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.console_forms import shortened
from accounts.moments import moment_problem
from clients import profile, rules
from clients.around import Around
from clients.metadata import EVERY_PROJECT, Audience, ClientMetadata
from clients.models import Client
from clients.models.client import ID_BURIED, ID_LISTED
from clients.models.values import CHOICES
from clients.reach import acted_for_elsewhere, clients_named, introspected_elsewhere, key_problems, owners_named
from clients.stored import metadata_of as metadata_of
from common import client_url
from projects import admission, matcher, quotas
from projects.actors import Actor, Right
from projects.apis import apis_near, refusal_to_list
from projects.models import Project
from projects.problems import Problem, new_problems
from projects.rules import long_lifetime_problem
from projects.scopes import ADMIN_SCOPES, SIGN_IN_SCOPES

HELD = gettext_lazy("A superuser disabled this client. Only a superuser may enable it again.")


@dataclass(frozen=True, slots=True)
class Case:
    """Who wants what of which client. No `before`: it is a new one."""

    wanted: ClientMetadata
    project: Project
    by: Actor
    around: Around
    client: Client | None = None
    before: ClientMetadata | None = None

    @property
    def had(self) -> ClientMetadata:
        return self.before or ClientMetadata()


def problems(
    wanted: ClientMetadata,
    project: Project,
    by: Actor,
    client: Client | None = None,
    before: ClientMetadata | None = None,
    around: Around | None = None,
) -> list[Problem]:
    """Everything that stands in the way of this client: one problem a field where its value alone is wrong.

    `before`: what it is now, `around`: what there is beside it, for whoever has read that already.
    """
    if not by.edits(project):
        return [Problem("project", _("You may not change the clients of this project."))]
    if client is not None and before is None:
        before = metadata_of(client)
    found = new_problems(lambda one: rules.problems(one, CHOICES), wanted.with_modes(), before)
    wrong = {one.field for one in found}
    case = Case(wanted, project, by, around or Around([wanted], project), client, before)
    return found + [one for check in CHECKS for one in check(case) if not {one.field, one.name} & wrong]


def _room(case: Case) -> Iterator[Problem]:
    if case.client is None and (problem := quotas.no_room(case.project.clients.count, quotas.CLIENTS, case.by)):
        yield Problem("project", problem)


def _sign_in(case: Case) -> Iterator[Problem]:
    return admission.problems(case.wanted.sign_in, case.project)


def _client_id(case: Case) -> Iterator[Problem]:
    """A new id is nobody's, and an old one stays."""
    client_id = case.wanted.client_id
    if case.client is not None:
        if client_id != case.client.client_id:
            yield Problem("client_id", _("A client ID stays for ever. Create another client instead."))
        if case.client.project_id != case.project.pk:
            yield Problem("project", _("A client stays in its project for ever. Create another client instead."))
        return
    around = case.around
    if client_id in around.clients:
        yield Problem("client_id", _("Client with this Client ID already exists."), "taken")
    elif client_id in around.buried:
        yield Problem("client_id", str(ID_BURIED))
    elif client_id in around.listed:
        yield Problem("client_id", str(ID_LISTED))
    elif client_id in around.people:
        yield Problem("client_id", _("A client ID must not be the sub of a person: tokens name both."))


def _document(case: Case) -> Iterator[Problem]:
    """A client of a project whose id is the address of its document: policy is ours to say, keys are not (C13)."""
    client_id = case.wanted.client_id
    if not client_url.is_address(client_id):
        return
    if case.client is None and apis_near([client_id]).resolve(client_id) is not None:
        yield Problem("client_id", _("This is the address of an API: a token for the client would be one for the API."))
    for name in ("jwks", "jwks_uri"):
        if getattr(case.wanted, name):
            yield Problem(name, _("The keys of this client stand in its document. Leave this key out."))


def _enabled(case: Case) -> Iterator[Problem]:
    """Members do not undo what a superuser, or a file, decided."""
    if case.wanted.enabled and case.before is not None and not case.before.enabled:
        _ask_if_it_manages(case)
    if case.by.may(Right.OVERRULE_MEMBERS):
        return
    if case.had.held and case.wanted.enabled:
        yield Problem("enabled", str(HELD))
    if case.wanted.held not in (None, bool(case.had.held)):
        yield Problem("enabled", _("Only a superuser decides who enables a client again."))


def _scope(case: Case) -> Iterator[Problem]:
    """Those of signing in, and of APIs the project may use. One it has stays, though its API went."""
    offered = ADMIN_SCOPES if case.by.may(Right.GRANT_ADMINISTRATION) else {}
    unknown = [name for name in case.wanted.scopes if name not in {*SIGN_IN_SCOPES, *offered, *case.had.scopes}]
    if not ADMIN_SCOPES.keys().isdisjoint(unknown):
        case.by.ask_for_proof(Right.GRANT_ADMINISTRATION)
    if unknown and (unknown := [name for name in unknown if name not in case.around.scopes]):
        message = _("Unknown: %(names)s. Add the scope to an API of the project, or have its API shared with it.")
        yield Problem("scope", message % {"names": shortened(unknown)}, "unknown")


def _profile(case: Case) -> Iterator[Problem]:
    """All that its profile demands. What it lacked when its project took the profile on stands in no other way."""
    demanded = case.wanted.profile or case.project.profile
    was = case.before is not None and demanded in (case.before.profile, case.project.profile)
    yield from new_problems(
        lambda one: profile.missing_for(demanded, one), case.wanted.with_modes(), case.before if was else None
    )


def _tokens_not_before(case: Case) -> Iterator[Problem]:
    before, after = case.had.tokens_not_before, case.wanted.tokens_not_before
    if before != after and (problem := moment_problem(before, after)):
        yield Problem("tokens_not_before", problem)


def _lifetimes(case: Case) -> Iterator[Problem]:
    """A key of ours is believed for as long as anything it signed may live."""
    if any(long_lifetime_problem(getattr(case.had, name), getattr(case.wanted, name)) for name in rules.LIFETIMES):
        _ask_if_it_manages(case)
    if case.by.may(Right.ALLOW_LONG_LIFETIMES):
        return
    for name in rules.LIFETIMES:
        if problem := long_lifetime_problem(getattr(case.had, name), getattr(case.wanted, name)):
            yield Problem(name, problem)


def _ask_if_it_manages(case: Case) -> None:
    """What makes a client able to manage this provider, or for longer, waits for a proof as the scope itself does."""
    if not ADMIN_SCOPES.keys().isdisjoint(case.wanted.scopes):
        case.by.ask_for_proof(Right.GRANT_ADMINISTRATION)


# --- Other clients and APIs ----------------------------------------------------------------------------------------


def _allowed_callers(case: Case) -> Iterator[Problem]:
    """Only clients of one project get ID tokens for each other, whoever allows it (protocol section 2)."""
    yield from _not_found(case, "allowed_callers", clients_named(case.wanted.allowed_callers), anywhere=False)


def _introspects(case: Case) -> Iterator[Problem]:
    """Those of the project and those named before; any, for a superuser (protocol section 0)."""
    anywhere = case.by.may(Right.NAME_OTHER_PROJECTS)
    yield from _not_found(case, "introspects", clients_named(case.wanted.introspects), anywhere=anywhere)
    new = set(case.wanted.introspects) - set(case.had.introspects)
    if new and case.wanted.settled().introspection != "listed":
        yield Problem("introspects", _("This list needs 'introspection: listed'."))


def _acts_for(case: Case) -> Iterator[Problem]:
    anywhere = case.by.may(Right.NAME_OTHER_PROJECTS)
    yield from _not_found(case, "acts_for", owners_named(case.wanted.acts_for), anywhere=anywhere)


def _not_found(case: Case, name: str, owners: Mapping[str, int], *, anywhere: bool) -> Iterator[Problem]:
    """One answer for what does not exist and for what is somebody else's."""
    kept: tuple[str, ...] = getattr(case.had, name)
    for index, value in enumerate(getattr(case.wanted, name)):
        itself = case.before is None and value == case.wanted.client_id
        if value in kept or itself or owners.get(value) == case.project.pk or (anywhere and value in owners):
            continue
        code = "elsewhere" if value in owners and case.by.may(Right.NAME_OTHER_PROJECTS) else "missing"
        message = _("Not found in this project: %(names)s.") % {"names": shortened([value])}
        yield Problem(f"{name}[{index}]", message, code, value)


def _administers(case: Case) -> Iterator[Problem]:
    """Projects that whoever says so owns. One answer for what does not exist and for what is somebody else's."""
    new = [name for name in case.wanted.administers if name not in case.had.administers]
    known = {project.key: project for project in Project.objects.filter(key__in=new)} if new else {}
    if new:
        case.by.ask_for_proof(Right.GRANT_ADMINISTRATION)
    everywhere = case.by.may(Right.GRANT_ADMINISTRATION)
    for index, name in enumerate(case.wanted.administers):
        if name not in new or (everywhere and name == EVERY_PROJECT):
            continue
        if name not in known or not case.by.owns(known[name]):
            words = _("There is no project with this key: %(keys)s.") if everywhere else _("You do not own: %(keys)s.")
            yield Problem(f"administers[{index}]", words % {"keys": shortened([name])}, "missing", name)


def _introspection(case: Case) -> Iterator[Problem]:
    """Every token is for a superuser to grant; and what one switched off stays off, though lists still name it."""
    before, after = case.had.introspection, case.wanted.settled().introspection
    if after == "all" and before != "all" and not case.by.may(Right.INTROSPECT_EVERYTHING):
        yield Problem("introspection", _("Only a superuser may let a client introspect every token."))
    elif _reaches_out_again(case):
        message = _(
            "It names clients or APIs of other projects below. Only a superuser may let it introspect for them "
            "again: remove them first."
        )
        yield Problem("introspection" if before != after else "grant_types", message)


def _reaches_out_again(case: Case) -> bool:
    if case.before is None or case.before.introspection == "all" or case.by.may(Right.NAME_OTHER_PROJECTS):
        return False
    return not _outside(case, case.wanted.settled()) <= _outside(case, case.before)


def _outside(case: Case, metadata: ClientMetadata) -> set[str]:
    """Of what its lists named before, what is of other projects and counts (protocol section 8)."""
    kept = replace(
        metadata,
        introspects=tuple(name for name in metadata.introspects if name in case.had.introspects),
        acts_for=tuple(name for name in metadata.acts_for if name in case.had.acts_for),
    )
    return introspected_elsewhere(kept, case.project) | acted_for_elsewhere(kept, case.project)


def _response_types(case: Case) -> Iterator[Problem]:
    """Tokens that come through the browser are seen by whatever sees its addresses: no project decides that alone."""
    new = set(case.wanted.response_types) - set(case.had.response_types) - {rules.CODE}
    if new and not case.by.may(Right.BRING_TOKENS_THROUGH_BROWSERS):
        yield Problem("response_types", _("Only a superuser may let tokens come through the browser."))


def _keys(case: Case) -> Iterator[Problem]:
    return key_problems(case.before, case.wanted, case.project, case.by) if case.before else iter(())


# --- Audiences -----------------------------------------------------------------------------------------------------


def _audience(case: Case) -> Iterator[Problem]:
    return iter(listing_problems(case.wanted.audience, case.by, case.around, case.had.audience))


def listing_problems(
    entries: Sequence[Audience], by: Actor, around: Around, had: Sequence[Audience] = ()
) -> list[Problem]:
    """Registered APIs one may use; others for a superuser only. Members get one answer for all they may not list."""
    found = []
    for index, entry in enumerate(entries):
        if problem := _listing_problem(entry, by, around, kept=entry.settled() in had):
            found.append(Problem(f"audience[{index}].value", problem))
    return found


def _listing_problem(entry: Audience, by: Actor, around: Around, *, kept: bool) -> str:
    try:
        matcher.parse(entry.value)
    except matcher.Malformed:
        return ""  # told by the rules of the value alone
    if kept:
        return ""  # what became of its API is asked at every request
    refusal, api = refusal_to_list(entry.value, around.project, around.apis), around.apis.resolve(entry.value)
    if not by.may(Right.GRANT_ADMINISTRATION) and api is not None and api.of_provider:
        by.ask_for_proof(Right.GRANT_ADMINISTRATION)
        return _("Not an API of this project or shared with it. Only a superuser may list it.")
    if not by.may(Right.LIST_ANY_AUDIENCE):
        unusable = refusal or api is None
        return _("Not an API of this project or shared with it. Only a superuser may list it.") if unusable else ""
    if entry.value in around.ids | around.clients:
        return _("This is the ID of a client, not an audience.")
    return refusal


CHECKS: tuple[Callable[[Case], Iterator[Problem]], ...] = (
    _room,
    _sign_in,
    _client_id,
    _document,
    _enabled,
    _scope,
    _profile,
    _tokens_not_before,
    _lifetimes,
    _allowed_callers,
    _introspects,
    _acts_for,
    _administers,
    _introspection,
    _response_types,
    _keys,
    _audience,
)
