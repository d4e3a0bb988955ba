"""What an app that registers itself may say, and what becomes of it (RFC 7591, OpenID Connect Registration 1.0). Pure.

Unknown members are ignored, and known ones that are not offered are filtered: the answer shows what is left. Only an
app of which nothing is left that could work is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from clients import document, keys
from clients.identifiers import page_uri_problem
from clients.metadata import CERTIFICATE_NAMES, ClientMetadata
from clients.rules import CODE, DEVICE_CODE, SHOWN_URIS
from common import jws
from common.json_type import Json
from projects import quotas
from projects.problems import Problem

DEFAULT_METHOD = "client_secret_basic"
CODE_GRANT, REFRESH = "authorization_code", "refresh_token"
GRANTS = (CODE_GRANT, REFRESH, DEVICE_CODE)  # never a grant that nobody is asked for (rule R12)
# What an app says about itself. Whatever else a client is, only who registers it for others may say.
MEMBERS = (
    "client_name",
    "redirect_uris",
    "token_endpoint_auth_method",
    "grant_types",
    "response_types",
    "scope",
    "application_type",
    *SHOWN_URIS,
    "contacts",
    "jwks",
    "jwks_uri",
    "token_endpoint_auth_signing_alg",
    "request_object_signing_alg",
    "id_token_signed_response_alg",
    "userinfo_signed_response_alg",
    "authorization_signed_response_alg",
    "post_logout_redirect_uris",
    "backchannel_logout_uri",
    "initiate_login_uri",
    "default_max_age",
    "default_acr_values",
    "dpop_bound_access_tokens",
    "tls_client_certificate_bound_access_tokens",
    "require_pushed_authorization_requests",
    *CERTIFICATE_NAMES,
)
ALGORITHMS = tuple(name for name in MEMBERS if name.endswith("_alg"))
MADE_HERE = ("registration_access_token", "registration_client_uri", "client_secret_expires_at", "client_id_issued_at")
# What holds for every client of ours, in the names of OpenID Connect Registration 1.0.
ALWAYS: Mapping[str, Json] = {"require_auth_time": True}


@dataclass(frozen=True, slots=True)
class Bounds:
    """What is open to apps that come this way. `scopes` None: as they say it, for it bounds nothing."""

    grants: tuple[str, ...] = GRANTS
    scopes: tuple[str, ...] | None = None


def read(values: Mapping[str, object], bounds: Bounds) -> tuple[dict[str, object], list[Problem]]:
    """What it says, as far as that is offered to it; for `ClientMetadata.changed`. And what is wrong with it."""
    sent = {name: _once(values[name]) for name in MEMBERS if values.get(name) not in (None, "")}
    endless = [name for name, value in sent.items() if isinstance(value, list) and len(value) > quotas.LISTED]
    if endless:
        return {}, [Problem(name, quotas.too_many(quotas.LISTED)) for name in endless]
    said, found = document.read(sent)
    for repair in REPAIRS:
        repair(said)
    if values.get("require_signed_request_object") is not True:
        said.pop("request_object_signing_alg", None)  # with us it means that every request has to be signed
    if not _grants(said, bounds.grants):
        names = ", ".join(bounds.grants)
        found.append(Problem("grant_types", f"None of these grants is offered to this app: use {names}."))
    if not _scopes(said, bounds.scopes):
        names = " ".join(bounds.scopes or ())
        found.append(Problem("scope", f"None of these scopes is open to this app; open are: {names or 'none'}."))
    return said, found


# --- Repairs -------------------------------------------------------------------------------------------------------


def _once(value: object) -> object:
    """A list in which no text stands twice."""
    if not isinstance(value, list):
        return value
    texts = dict.fromkeys(one for one in value if isinstance(one, str))
    return [*texts, *(one for one in value if not isinstance(one, str))]


def _texts(said: Mapping[str, object], name: str) -> tuple[str, ...]:
    value = said.get(name, ())
    return tuple(dict.fromkeys(one for one in value if isinstance(one, str))) if isinstance(value, tuple) else ()


def _decoration(said: dict[str, object]) -> None:
    """An address that people cannot be led to is left out; the app works without."""
    for name in SHOWN_URIS:
        if isinstance(uri := said.get(name), str) and page_uri_problem(uri):
            del said[name]


def _algorithms(said: dict[str, object]) -> None:
    """One that is not offered leaves the default, as the answer shows."""
    for name in ALGORITHMS:
        if said.get(name) not in (None, *jws.ALGORITHMS):
            said.pop(name, None)


def _other_keys(said: dict[str, object]) -> None:
    """Keys that are for something else than signatures, such as encryption, are left out."""
    if isinstance(said.get("jwks"), Mapping):
        jwks = {"keys": [key for key in keys.keys_of(said["jwks"]) if key.get("use", "sig") == "sig"]}  # type: ignore[arg-type]
        said["jwks"] = jwks


def _application_type(said: dict[str, object]) -> None:
    """Who names no kind and keeps no secret, and gets the code on the person's device, is native."""
    if said.get("application_type") in ("web", "native"):
        return
    on_device = any(urlsplit(uri).scheme != "https" for uri in _texts(said, "redirect_uris") if _splits(uri))
    native = on_device and said.get("token_endpoint_auth_method") == "none"
    said["application_type"] = "native" if native else "web"


def _splits(uri: str) -> bool:
    try:
        urlsplit(uri)
    except ValueError:
        return False
    return True


Repair = Callable[[dict[str, object]], None]
REPAIRS: tuple[Repair, ...] = (_decoration, _algorithms, _other_keys, _application_type)


def _grants(said: dict[str, object], offered: Iterable[str]) -> bool:
    """Grants and response types that belong together (rules R3 and R4). False: nothing is left."""
    asked, responses = _texts(said, "grant_types"), _texts(said, "response_types")
    if not asked:
        asked = (CODE_GRANT,) if CODE in responses or not responses else ()
    if CODE in responses:
        asked = (CODE_GRANT, *asked)
    kept = [one for one in dict.fromkeys(asked) if one in offered]
    if kept == [REFRESH] and not responses:
        kept = [CODE_GRANT, REFRESH]
    said["grant_types"] = tuple(kept)
    said["response_types"] = (CODE,) if CODE_GRANT in kept else ()
    return any(one != REFRESH for one in kept)


def _scopes(said: dict[str, object], open_ones: tuple[str, ...] | None) -> bool:
    """Those of the request that are open; who names none gets them all. False: nothing is left of what was named."""
    if open_ones is None:
        return True
    asked = str(said.get("scope", "")).split()
    kept = [one for one in open_ones if one in asked] if asked else list(open_ones)
    said["scope"] = " ".join(kept)
    return bool(kept) or not asked


# --- The answer ----------------------------------------------------------------------------------------------------


def shown(metadata: ClientMetadata, subject_type: str) -> dict[str, Json]:
    """All that is registered, defaults included, and nothing that is empty: programs read a null as a mistake.

    The type of its subjects is for its project to say, or for each that lets it in.
    """
    whole = document.represent(metadata)
    said = {name: whole[name] for name in MEMBERS if whole[name] not in (None, "", [], False)}
    return {"client_id": metadata.client_id, **said, "subject_type": subject_type, **ALWAYS}
