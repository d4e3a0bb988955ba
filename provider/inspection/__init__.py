"""What is this text, and is it alive? For operators, who may know everything but the token itself."""

from __future__ import annotations

from collections.abc import Callable

from django.utils.translation import gettext_lazy

from accounts.models import User
from projects.claim_table import INTROSPECTION, USERINFO
from projects.models import Project
from provider.inspection import jwt, opaque
from provider.inspection.held import Held, Inspection, No
from provider.inspection.opaque import Looked
from provider.inspection.why import ACCESS
from provider.protocol.claims import told_of
from provider.protocol.facts import Json
from provider.store import find

UNKNOWN = gettext_lazy("No token or code of this provider has this text, or it was swept long after its end.")
OTHER = gettext_lazy("The endpoints refuse it, for a reason that none of the steps here names.")
JWTS: tuple[Callable[[str], Looked | None], ...] = (jwt.access_token, jwt.id_token, jwt.told)
OPAQUE: tuple[Callable[[str], Looked | None], ...] = (
    opaque.access_token,
    opaque.refresh_token,
    opaque.code,
    opaque.device_code,
)


def inspect(text: str) -> Inspection:
    is_jwt = text.count(".") == 2
    looked = next((found for look in (JWTS if is_jwt else OPAQUE) if (found := look(text)) is not None), None)
    if looked is None:
        stranger, said = jwt.not_ours(text) if is_jwt else (No("digest", str(UNKNOWN)), {})
        return Inspection(form="JWT" if is_jwt else "", why=stranger, facts=said)
    held, alive, steps = looked
    return Inspection(
        held.kind, held.form, alive, None if alive else next(steps, No("?", str(OTHER))), _facts(held, text)
    )


def _facts(held: Held, text: str) -> dict[str, Json]:
    client, behind = held.client, held.behind
    home = behind.project_id if behind and behind.project_id else client.project.id if client else None
    project = Project.objects.filter(pk=home).first() if home else None
    sub = behind.sub if behind else jwt.sub_of(text)
    person = User.objects.filter(sub=sub).first() if sub else None
    return {
        "client_id": client.client_id if client else None,
        "project": project.key if project else None,
        "sub": sub or None,
        "username": person.username if person else None,
        "audience": list(held.audience),
        "scope": " ".join(held.scopes),
        "cnf": dict(held.bound.members),
        "act": list(held.actors),
        "issued_at": held.issued_at.isoformat(),
        "expires_at": held.expires.isoformat() if held.expires else None,
        "authorization": str(behind.id) if behind else None,
        **_told(held, text),
    }


def _told(held: Held, text: str) -> dict[str, Json]:
    """What is said of the person now by the table of the project, where anything is."""
    token = find.access_token(text) if held.kind == ACCESS else None
    said = {**told_of(token, INTROSPECTION), **told_of(token, USERINFO)} if token is not None else {}
    return {"claims": said} if said else {}
