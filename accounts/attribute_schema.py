"""Which attributes this installation has: the only writer of their rows (protocol section 30).

What is deleted, or becomes of another type, is taken from everybody who has it. `people_with` says beforehand how many
those are, and every door shows it.
"""

from __future__ import annotations

import re

from django.db import connection, transaction
from django.utils.translation import gettext as _

from accounts import events
from accounts.attribute_types import OWN_TYPES
from accounts.attributes import STANDARD, Definition, Trouble, schema
from accounts.directory import ATTRIBUTE_NAME, MAX_LABEL
from accounts.events import By
from accounts.models import AccountEventKind, Attribute, EditableBy, User
from common import clock

MOST = 100  # attributes that an installation adds
MOST_POSITION = 10_000
# Names that mean something in a token already: those registered for JWT (IANA, "JSON Web Token Claims"), and ours.
# A claim of a project may have any name that its claim table gives it; this is about the attribute itself.
TAKEN = frozenset(
    (
        *("iss", "sub", "aud", "exp", "nbf", "iat", "jti", "azp", "nonce", "auth_time", "at_hash", "c_hash", "s_hash"),
        *("acr", "amr", "sub_jwk", "cnf", "sid", "events", "toe", "txn", "act", "scope", "client_id", "may_act"),
        *("name", "given_name", "family_name", "middle_name", "nickname", "preferred_username", "profile", "picture"),
        *("website", "email", "email_verified", "gender", "birthdate", "zoneinfo", "locale", "phone_number"),
        *("phone_number_verified", "address", "updated_at", "jcard", "at_use_nbr", "div", "opt", "vc", "vp", "sph"),
        *("rph", "rfc", "roles", "groups", "entitlements", "token_introspection", "cdniv", "cdnicrit", "cdniip"),
        *("sig_val_claims", "authorization_details", "verified_claims", "place_of_birth", "nationalities"),
        *("birth_family_name", "birth_given_name", "birth_middle_name", "salutation", "title", "msisdn"),
        *("also_known_as", "htm", "htu", "ath", "atc", "sub_id", "rcd", "rcdi", "crn", "msgi", "rdap_allowed_purposes"),
        *("rdap_dnt_allowed", "geohash", "origin_id", "dest", "orig", "orig_iat", "mky", "pop", "hi", "active"),
        *("token_type", "username", "password", "attributes", "is_active", "is_staff", "is_superuser", "external_id"),
        *("id", "first_name", "last_name", "password_fingerprint", "passkey_handle", "user_permissions"),
        *("last_login", "date_joined", "tokens_not_before", "email_is_verified", "version", "muted_mails"),
    )
)


def problems_of(wanted: Definition, *, new: bool) -> list[Trouble]:
    """What is wrong with it, by the names of its fields."""
    standard = STANDARD.get(wanted.name)
    if standard is not None:
        return [] if wanted.type == standard.type else [Trouble("type", _("A standard claim keeps its type."))]
    found = []
    if problem := _name_problem(wanted.name, new=new):
        found.append(Trouble("name", problem))
    if wanted.type not in OWN_TYPES:
        found.append(Trouble("type", _("The type is one of: %(known)s.") % {"known": ", ".join(OWN_TYPES)}))
    label = str(wanted.label)
    if len(label) > MAX_LABEL or any(one < " " or "\ud800" <= one <= "\udfff" for one in label):
        found.append(Trouble("label", _("A label is one line of at most %(most)s characters.") % {"most": MAX_LABEL}))
    if not 0 <= wanted.position <= MOST_POSITION:
        found.append(Trouble("position", _("A position is a number up to %(most)s.") % {"most": MOST_POSITION}))
    if new and Attribute.objects.exclude(name__in=STANDARD).count() >= MOST:
        found.append(Trouble("name", _("There are %(most)s attributes already.") % {"most": MOST}))
    return found


def _name_problem(name: str, *, new: bool) -> str:
    if not re.fullmatch(ATTRIBUTE_NAME, name):
        return _("A name begins with a letter, and has letters, digits and underscores; 40 at most.")
    if name.lower() in TAKEN:
        return _("This name means something in tokens or in an account already.")
    if new and Attribute.objects.filter(name__iexact=name).exists():
        return _("Another attribute has this name.")
    return ""


def people_with(name: str) -> int:
    """How many people have a value of it."""
    return User.objects.filter(attributes__has_key=name).count()


def define(wanted: Definition, by: By) -> list[str]:
    """Make it, or change what it is: `problems_of` was asked before. Answers what changed; all of it when it is new.

    Of a standard claim only who may edit it can be said.
    """
    with transaction.atomic():
        before = schema().get(wanted.name)
        row = Attribute.objects.select_for_update().filter(name=wanted.name).first() or Attribute(name=wanted.name)
        said = _said(wanted)
        changed = sorted(name for name, value in said.items() if before is None or _said(before)[name] != value)
        if not changed:
            return []
        for name, value in said.items():
            setattr(row, name, value)
        row.save()
        lost = _forget(wanted.name) if before is not None and "type" in changed else 0
        kind = AccountEventKind.ATTRIBUTE_CREATED if before is None else AccountEventKind.ATTRIBUTE_CHANGED
        more = {"people": lost} if lost else {}
        events.record_change(None, kind, by, None, attribute=wanted.name, changed=changed, **more)
        return changed


def delete(name: str, by: By) -> int:
    """Delete it, and every value of it; answers how many people had one. A standard claim is as it was at first."""
    with transaction.atomic():
        deleted, _rows = Attribute.objects.filter(name=name).delete()
        if not deleted:
            return 0
        lost = 0 if name in STANDARD else _forget(name)
        kind = AccountEventKind.ATTRIBUTE_CHANGED if name in STANDARD else AccountEventKind.ATTRIBUTE_DELETED
        events.record_change(None, kind, by, None, attribute=name, people=lost)
        return lost


def _said(one: Definition) -> dict[str, str | int]:
    """What its row says."""
    label = "" if one.standard or str(one.label) == one.name else str(one.label)
    position = 0 if one.standard else one.position
    return {"type": one.type, "label": label, "editable_by": EditableBy(one.editable_by).value, "position": position}


def _forget(name: str) -> int:
    """One statement, however many people there are."""
    without = {
        "postgresql": "attributes - %s::text WHERE attributes ? %s::text",
        "sqlite": "json_remove(attributes, '$.' || %s) WHERE json_type(attributes, '$.' || %s) IS NOT NULL",
    }[connection.vendor]
    with connection.cursor() as cursor:
        cursor.execute(f"UPDATE accounts_user SET updated_at = %s, attributes = {without}", [clock.now(), name, name])  # noqa: S608 - constants
        return int(cursor.rowcount)
