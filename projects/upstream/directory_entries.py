"""An entry of a directory, as every connector tells of a person. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeAlias

from common import clock
from common.json_type import Json
from projects.upstream.told import Told, text_of, uid_of

Values: TypeAlias = Sequence[str | bytes]
# What never changes of an entry: of OpenLDAP and others (RFC 4530), and of Active Directory.
STAYS = ("entryuuid", "objectguid", "ipauniqueid", "nsuniqueid")
KNOWN = {
    "email": ("mail",),
    "given_name": ("givenname",),
    "family_name": ("sn",),
    "name": ("displayname", "cn"),
    "preferred_username": ("uid", "samaccountname"),
}


def told_by(name: str, attributes: Mapping[str, Values]) -> Told:
    """`name`: the distinguished name, for entries without anything that stays."""
    small = {key.lower(): [_text(one) for one in values] for key, values in attributes.items()}
    claims: dict[str, Json] = {key: values[0] if len(values) == 1 else values for key, values in small.items()}
    claims |= {key: values[0] if len(values) == 1 else values for key, values in _as_written(attributes).items()}
    for ours, theirs in KNOWN.items():
        claims[ours] = next((small[one][0] for one in theirs if small.get(one)), "")
    uid = next((f"{one}:{small[one][0]}" for one in STAYS if small.get(one)), f"dn:{name.lower()}")
    email = text_of(claims["email"])
    return Told(uid=uid_of(uid), email=email, email_verified=bool(email), claims=claims, auth_time=clock.seconds())


def _as_written(attributes: Mapping[str, Values]) -> dict[str, list[str]]:
    """Under the names that administrators know: `memberOf`."""
    return {key: [_text(one) for one in values] for key, values in attributes.items()}


def _text(value: str | bytes) -> str:
    return value if isinstance(value, str) else value.hex()
