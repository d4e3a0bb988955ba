"""Texts of which only the digest is stored: access tokens, refresh tokens, codes, and codes of devices."""

from __future__ import annotations

from dataclasses import replace

from django.utils.translation import gettext as _

from common.command_output import told
from provider import facts
from provider.inspection.held import Held, No, Why
from provider.inspection.why import ACCESS, CODE, DEVICE, REFRESH
from provider.inspection.why import of as why
from provider.keys.mint import digest
from provider.protocol.confirmation import Confirmation
from provider.protocol.device import State
from provider.protocol.errors import InvalidGrant
from provider.store import authorizations, find, generations, live, over, statements
from provider.store.presented import NOTHING

Looked = tuple[Held, bool, Why]  # what it is, whether it is alive, and the steps that say no


def access_token(text: str) -> Looked | None:
    found = over.access_token(digest(text))
    if found is None:
        return None
    row = found.row
    held = Held(
        kind=ACCESS,
        form="opaque",
        client=facts.client_of(row.client_id),
        issued_at=row.created,
        expires=row.expires,
        behind=row.authorization,
        scopes=row.scopes,
        audience=tuple(row.audience),
        bound=Confirmation.of(row.cnf),
        actors=row.hands,
    )
    return held, find.access_token(text) is not None, _of_access_token(found, held)


def _of_access_token(found: over.Opaque, held: Held) -> Why:
    if found.revoked_at is not None:
        yield No("revoked", _("It was revoked on %(moment)s.") % {"moment": told(found.revoked_at)})
    if found.row.sources and statements.any_revoked(found.row.sources):
        yield No("statements.any_revoked", _("A token that it was exchanged for was revoked."))
    if found.left_behind:
        yield No("statements.access_token", _("The authorization that it hung from was deleted."))
    yield from why(held)


def refresh_token(text: str) -> Looked | None:
    row = statements.refresh_token(digest(text))
    if row is None:
        return None
    behind = row.authorization
    held = Held(
        kind=REFRESH,
        form="opaque",
        client=facts.client_of(behind.client_id),
        issued_at=row.created,
        expires=row.expires,
        behind=behind,
        scopes=tuple(behind.scopes),
        audience=tuple(behind.audiences),
        bound=Confirmation.of(row.cnf),
    )
    return held, find.refresh_token(text) is not None, _of_refresh_token(text, row, held)


def _of_refresh_token(text: str, row: statements.Refresh, held: Held) -> Why:
    yield from why(held)
    try:
        generations.use_of(row.authorization, digest(text), row.generation)
    except InvalidGrant:
        yield No("generations.use_of", _("It was used, and a newer one took its place."))


def code(text: str) -> Looked | None:
    row = statements.code(digest(text))
    if row is None:
        return None
    behind = row.authorization
    held = Held(
        kind=CODE,
        form="opaque",
        client=facts.client_of(behind.client_id),
        issued_at=row.created,
        expires=row.expires,
        behind=behind,
        scopes=tuple(behind.asked_scopes),
        audience=tuple(behind.asked_audiences),
        bound=Confirmation(jkt=row.dpop_jkt),
    )
    alive = row.used_at is None and behind.signed_in and _lives(held)
    return held, alive, _of_code(row, held)


def _of_code(row: statements.Code, held: Held) -> Why:
    if row.used_at is not None:
        yield No("authorizations.open_code", _("It was used on %(moment)s.") % {"moment": told(row.used_at)})
    yield from why(held)
    if not row.authorization.signed_in:
        yield No("authorizations.open_code", _("The person signed out before it was used."))


def device_code(text: str) -> Looked | None:
    row = over.device_code(digest(text))
    if row is None:
        return None
    held = Held(
        kind=DEVICE,
        form="opaque",
        client=facts.client_of(row.client_id),
        issued_at=row.created,
        expires=row.expires,
        behind=row.authorization,
    )
    if held.behind is not None:
        held = replace(held, scopes=tuple(held.behind.asked_scopes), audience=tuple(held.behind.asked_audiences))
    waits = row.state == State.PENDING and not live.expired(row.expires)
    allowed = held.behind is not None and row.used_at is None and _lives(held)
    return held, (waits and held.client is not None) or allowed, _of_device_code(row, held)


def _of_device_code(row: over.Device, held: Held) -> Why:
    if row.used_at is not None:
        yield No("devices.open_device_code", _("It was used on %(moment)s.") % {"moment": told(row.used_at)})
    if row.state == State.DENIED:
        yield No("device.answer_poll", _("The person refused the device."))
    yield from why(held)


def _lives(held: Held) -> bool:
    """As whatever a grant opens is asked."""
    if held.client is None or held.behind is None:
        return False
    opened = authorizations.of_authorization(NOTHING, held.behind, held.issued_at, held.expires)
    client = live.party(held.behind) if held.client.guest else held.client
    if client is None:
        return False
    try:
        live.refuse_ended(opened, client)
    except InvalidGrant:
        return False
    return True
