"""The steps of `provider.store.live` and its neighbours one by one, each with a sentence for when it says no.

They decide nothing: the endpoints' own functions say whether something is alive, and a test compares the two.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from django.utils.translation import gettext as _

from common.command_output import told
from projects.apis import admits, apis_near
from projects.consent import Permission
from projects.facts import ProjectFacts
from projects.sign_in import ANYONE
from provider import facts
from provider.inspection.held import Held, No, Why
from provider.protocol.facts import ClientFacts
from provider.store import live
from provider.store.statements import AuthorizationRow


def of(held: Held) -> Why:
    """Everything that says no, in the order in which it is asked."""
    if held.client is None:
        yield No("facts.client_of", _("Its client was deleted."))
        return
    yield from expired(held)
    yield from of_client(held.client, held.issued_at)
    if held.client.guest and (held.behind is None or live.party(held.behind) is None):
        said = _("It is a guest app, and the project that let it in does so no longer.")
        yield No("guests.standing_in", said)
    if held.behind is not None:
        yield from _of_authorization(held.behind, held.issued_at)
        yield from _of_those_it_passed(held, held.client, held.behind)
    yield from _of_apis(held, (live.party(held.behind) if held.behind and not held.actors else None) or held.client)


def expired(held: Held) -> Why:
    if live.expired(held.expires):
        yield No("live.expired", _("It expired on %(moment)s.") % {"moment": told(held.expires)})


def of_client(client: ClientFacts, issued_at: datetime) -> Why:
    if not client.enabled:
        yield No("live.client_lives", _("Its client %(client)s is disabled.") % {"client": client.client_id})
    if _is_before(issued_at, client.tokens_not_before):
        said = {"client": client.client_id, "moment": told(client.tokens_not_before)}
        yield No("live.client_lives", _("All tokens of %(client)s from before %(moment)s were ended.") % said)
    yield from _of_project(client.project, issued_at)


def _of_project(project: ProjectFacts, issued_at: datetime) -> Why:
    if _is_before(issued_at, project.tokens_not_before):
        said = {"moment": told(project.tokens_not_before)}
        yield No("live.client_lives", _("All tokens of its project from before %(moment)s were ended.") % said)


def _of_authorization(behind: AuthorizationRow, issued_at: datetime) -> Why:
    issued_at = min(issued_at, behind.created_at)
    if behind.ended_at is not None:
        said = _("Its authorization ended on %(moment)s.") % {"moment": told(behind.ended_at)}
        yield No("live.authorization_lives", said)
    if not live.sign_in_allows(behind):
        yield No("live.sign_in_allows", _("The person signed out, and it was not allowed offline access."))
    client = live.party(behind)
    if client is None:
        said = _("The client that the person allowed it was deleted, or is let in no longer.")
        yield No("live.party", said)
    else:
        end = live.end_of(behind, client)
        if live.expired(end):
            said = _("What the person allowed ended by itself on %(moment)s.") % {"moment": told(end)}
            yield No("live.end_of", said)
        yield from of_client(client, issued_at)
        yield from not_let_in(client, behind.user_id)
    yield from of_person(behind.is_active, behind.tokens_not_before, issued_at)


def not_let_in(client: ClientFacts, person_id: int) -> Why:
    """By the project, or by the client itself (protocol section 32)."""
    if client.project.testing and not admits(replace(client.project, sign_in=ANYONE), person_id):
        yield No("apis.admits", _("Its project is in testing, and the person is no test user of it."))
    elif not admits(client.project, person_id):
        said = _("Its project lets in by groups or roles, and the person has none of those.")
        yield No("apis.admits", said)
    elif not admits(client.project, person_id, client.sign_in):
        said = _("%(client)s lets in by groups or roles, and the person has none of those.")
        yield No("apis.admits", said % {"client": client.client_id})


def of_person(is_active: bool, tokens_not_before: datetime | None, issued_at: datetime) -> Why:
    if not is_active:
        yield No("live.authorization_lives", _("The person's account is disabled."))
    if _is_before(issued_at, tokens_not_before):
        said = {"moment": told(tokens_not_before)}
        yield No("live.authorization_lives", _("All tokens of the person from before %(moment)s were ended.") % said)


def _of_those_it_passed(held: Held, client: ClientFacts, behind: AuthorizationRow) -> Why:
    if not held.actors:
        return
    found = facts.find_clients(held.actors)
    for one in held.actors:
        if one not in found:
            yield No("live.passed_on_lives", _("It went through %(client)s, which was deleted.") % {"client": one})
        else:
            yield from of_client(found[one], held.issued_at)
    allowed = Permission(held.scopes, held.audience)
    if not live.passed_on_lives(client, held.actors, behind, held.issued_at, allowed):
        said = _("The person does not allow the project what it holds any more.")
        yield No("live.passed_on_lives", said)


def _of_apis(held: Held, client: ClientFacts) -> Why:
    """An access token is for an audience; when every API of it is closed, nothing is left of it."""
    if held.kind != ACCESS or not held.audience:
        return
    apis = apis_near(held.audience)
    found = [api for one in held.audience if (api := apis.resolve(one)) is not None]
    if len(found) < len(held.audience):
        return  # a name that no API has goes on
    for api in found:
        if api.closed_to(client.project):
            said = _("%(api)s is not shared with its project any more.")
            yield No("access_tokens.left_of", said % {"api": api.identifier})
        elif any(_is_before(held.issued_at, one) for one in (api.tokens_not_before, api.others_not_before)):
            said = _("The tokens for %(api)s that were issued before were ended.")
            yield No("access_tokens.left_of", said % {"api": api.identifier})


ACCESS, REFRESH, ID, CODE, DEVICE = "access token", "refresh token", "ID token", "authorization code", "device code"


def _is_before(issued_at: datetime, moment: datetime | None) -> bool:
    return live.ended(issued_at, moment)
