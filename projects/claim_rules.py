"""What may stand in a project's claim table. Pure: no rows are read."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from django.utils.translation import gettext as _

from projects.claim_table import ATTRIBUTE, PLACES, SCOPES, SOURCES, ClaimRow
from projects.problems import Problem
from projects.rules import quoted, text_problem

MAX_ROWS = 50
MAX_LISTED = 100  # names in `only` and `rename`
MAX_NAME = 100  # characters of a name that is told
LONGEST_NAME = 200  # characters of a claim
_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9_.:/-]*")

# Names that say something else already, whoever reads them: RFC 7519, 7523, 7662, 8417, 8693, 8705, 8725, 9068, 9449,
# 9470, OpenID Connect Core 1.0, its logout and its assurance, and those that programs take for them.
OF_THE_PROTOCOL = frozenset(
    (
        *("iss", "sub", "aud", "exp", "nbf", "iat", "jti", "azp", "nonce", "auth_time", "at_hash", "c_hash", "s_hash"),
        *("acr", "amr", "sub_jwk", "sid", "cnf", "act", "may_act", "scope", "scopes", "scp", "client_id", "clientid"),
        *("events", "toe", "txn", "sub_id", "active", "username", "token_type", "token_introspection", "htm", "htu"),
        *("ath", "jwk", "jwks", "kid", "alg", "typ", "resource", "authorization_details", "verified_claims", "actort"),
        *("user_id", "issued_to", "audience", "expires_in", "access_type", "error", "error_description", "vot", "vtm"),
        *("appid", "oid", "tid", "uid", "idp", "state", "code", "response", "metadata", "vc", "vp", "trust_chain"),
    )
)
# OpenID Connect Core 1.0 section 5.1: apps find accounts by them, and believe `email` where `email_verified` says so.
STANDARD = frozenset(
    (
        *("name", "given_name", "family_name", "middle_name", "nickname", "preferred_username", "profile", "picture"),
        *("website", "email", "email_verified", "gender", "birthdate", "zoneinfo", "locale", "phone_number"),
        *("phone_number_verified", "address", "updated_at"),
    )
)


def problems(rows: Sequence[ClaimRow]) -> Iterator[Problem]:
    """By the place in the table: `claims[0].name`."""
    if len(rows) > MAX_ROWS:
        yield Problem(f"claims[{MAX_ROWS}]", _("At most %(most)s values.") % {"most": MAX_ROWS})
    names = [row.name for row in rows]
    for index, row in enumerate(rows[:MAX_ROWS]):
        found = dict(_of_row(row))
        if row.name in names[:index]:
            found["name"] = _("This claim is in the table twice.")
        yield from (Problem(f"claims[{index}].{member}", message) for member, message in found.items())


def _of_row(row: ClaimRow) -> Iterator[tuple[str, str]]:
    if problem := name_problem(row.name):
        yield "name", problem
    if row.source not in SOURCES:
        yield "source", _unknown(row.source, SOURCES)
    elif (row.source == ATTRIBUTE) != bool(row.attribute):
        yield "attribute", _("Name the attribute where the claim is made of one, and nowhere else.")
    elif row.source == ATTRIBUTE and (row.prefix or row.only or row.rename):
        yield "source", _("Only groups and roles are filtered and renamed.")
    if row.scope and row.scope not in SCOPES:
        yield "scope", _unknown(row.scope, SCOPES)
    if not row.told_in:
        yield "told_in", _("Say where it is told: %(known)s.") % {"known": ", ".join(PLACES)}
    for one in row.told_in:
        if one not in PLACES:
            yield "told_in", _unknown(one, PLACES)
    yield from _texts(row)


def _texts(row: ClaimRow) -> Iterator[tuple[str, str]]:
    named = {"prefix": [row.prefix], "only": [*row.only], "rename": [text for pair in row.rename for text in pair]}
    for member, texts in named.items():
        if len(texts) > MAX_LISTED * (2 if member == "rename" else 1):
            yield member, _("At most %(most)s values.") % {"most": MAX_LISTED}
        for text in texts:
            if problem := text_problem(text, MAX_NAME, needed=member != "prefix"):
                yield member, problem
            elif any(ord(character) < 32 or ord(character) == 127 for character in text):
                yield member, _("A name has no line breaks and no control characters.")


def name_problem(name: str) -> str:
    """Why no claim of a project may be called so, or an empty string.

    Compared without capitals: some programs read `Email` as `email`.
    """
    if len(name) > LONGEST_NAME or not _PLAIN.fullmatch(name):
        return _(
            "%(value)s is no name of a claim. It begins with a letter and has letters, digits and _ . : / - only, "
            "such as team or https://acme.example/claims/team."
        ) % {"value": quoted(name)}
    if name.lower() in OF_THE_PROTOCOL:
        return _("%(value)s says something else in a token already. Choose another name.") % {"value": quoted(name)}
    if name.lower() in STANDARD:
        return _(
            "%(value)s is a standard claim, which apps find accounts by: it is made of the attribute of this name, and "
            "of nothing else. Choose another name."
        ) % {"value": quoted(name)}
    return ""


def _unknown(value: str, known: Sequence[str]) -> str:
    return _("%(value)s is not known here. Use one of: %(known)s.") % {
        "value": quoted(value),
        "known": ", ".join(known),
    }
