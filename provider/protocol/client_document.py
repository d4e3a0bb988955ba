"""The metadata of a client whose id is the address of a document: what the document may say, and what counts of it.

draft-ietf-oauth-client-id-metadata-document; rules C2, C3, C6, C7, C8 and C12. Nothing is fetched here. What is unknown
is ignored, and of lists what is not served here: a client writes one document for every provider there is.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from common.client_url import Unacceptable, Verdict
from provider.protocol.facts import Json

MAX_BYTES = 5_120  # as the draft recommends (section 8.7)
MAX_NAME = 255  # characters
MAX_LISTED = 100
NONE, BY_KEY = "none", "private_key_jwt"  # the two ways in which it may prove who it is
GRANTS = ("authorization_code", "refresh_token")  # what a guest may use; other names are left out
CODE = "code"
SECRETS = ("client_secret", "client_secret_expires_at")
NOT_SHOWN = ("logo_uri",)
KNOWN = frozenset(
    {
        *("client_id", "client_name", "redirect_uris", "grant_types", "response_types", "scope"),
        *("token_endpoint_auth_method", "token_endpoint_auth_signing_alg", "jwks", "jwks_uri"),
        *("dpop_bound_access_tokens", "require_pushed_authorization_requests"),
    }
)
_JSON = re.compile(r"application/(json|[a-z0-9!#$&^_.+-]{1,100}\+json)", re.IGNORECASE)
_SCOPE = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]+")
_HALVES = re.compile("[\ud800-\udfff]")
_UNSEEN = re.compile("[\x00-\x1f\x7f-\x9f\xad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Answer:
    """What stood at the address, with status 200."""

    content_type: str
    body: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Rules:
    """The rules of every registration, as sentences that say what is wrong; empty: nothing."""

    redirect_uri: Callable[[str], str]
    jwks: Callable[[Json], str]
    jwks_uri: Callable[[str], str]
    algorithms: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Document:
    """What counts of a document that the rules let pass."""

    client_id: str
    client_name: str
    redirect_uris: tuple[str, ...]
    grant_types: tuple[str, ...] = GRANTS[:1]
    scope: str = ""  # empty: what each project leaves to guests
    auth_method: str = NONE
    assertion_algorithm: str = ""
    jwks: Json = None
    jwks_uri: str = ""
    dpop_bound: bool = False
    pushes: bool = False
    read_at: float = field(default=0.0, compare=False)  # seconds since the epoch


Members = Mapping[str, Json]


def read(client_id: str, answer: Answer, rules: Rules) -> Document:
    """The document of this client. Raises Unacceptable, which repeats nothing of it: a page of ours shows that."""
    members = _members(answer)
    _check_same(members, client_id)
    method, algorithm = _method(members, rules)
    return Document(
        client_id=client_id,
        client_name=_name(members),
        redirect_uris=_redirect_uris(members, rules),
        grant_types=_grant_types(members),
        scope=_scope(members),
        auth_method=method,
        assertion_algorithm=algorithm,
        jwks=members.get("jwks"),
        jwks_uri=_text(members, "jwks_uri"),
        dpop_bound=members.get("dpop_bound_access_tokens") is True,
        pushes=members.get("require_pushed_authorization_requests") is True,
    )


def verdicts(client_id: str, answer: Answer, rules: Rules) -> list[Verdict]:
    """What each rule says of it, for whoever wrote it."""
    try:
        members = _members(answer)
    except Unacceptable as error:
        return [Verdict(error.rule, str(error))]
    table: Sequence[tuple[str, Callable[[], object]]] = (
        ("C2", lambda: _check_same(members, client_id)),
        ("C6", lambda: _method(members, rules)),
        ("C7", lambda: (_name(members), _grant_types(members))),
        ("C8", lambda: _redirect_uris(members, rules)),
        ("C12", lambda: _scope(members)),
    )
    return [Verdict("C3"), *(Verdict(rule, _problem(check)) for rule, check in table)]


def _problem(check: Callable[[], object]) -> str:
    try:
        check()
    except Unacceptable as error:
        return str(error)
    return ""


def left_out(answer: Answer, rules: Rules) -> list[str]:
    """What of it counts for nothing here, and why, in sentences that repeat it: for whoever wrote it alone."""
    try:
        members = _members(answer)
        uris, grants = _texts(members, "redirect_uris"), _texts(members, "grant_types")
        keys_uri = _text(members, "jwks_uri")
    except Unacceptable:
        return []
    refused = ((index, rules.redirect_uri(uri)) for index, uri in enumerate(uris))
    said = [f"redirect_uris[{index}] is left out: {problem}" for index, problem in refused if problem]
    said += [f"jwks_uri: {problem}"] if keys_uri and (problem := rules.jwks_uri(keys_uri)) else []
    strange = [one[:60] for one in grants if one not in GRANTS]
    said += [f"The grant {one!r} is left out: guests use {' and '.join(GRANTS)}." for one in strange]
    said += [f"{name} is not shown to people." for name in NOT_SHOWN if name in members]
    unknown = sorted(name[:40] for name in members if name not in KNOWN and name not in NOT_SHOWN)
    return [*said, *([f"Not read here: {', '.join(unknown)}."] if unknown else [])]


# --- Members -------------------------------------------------------------------------------------------------------


def _members(answer: Answer) -> Members:
    """An object that can be read in one way only (RFC 8259 section 4)."""
    media_type = answer.content_type.partition(";")[0].strip()
    if not _JSON.fullmatch(media_type):
        raise Unacceptable("C3", "Its Content-Type is not application/json or application/…+json.")
    if len(answer.body) > MAX_BYTES:
        raise Unacceptable("C3", f"It has more than {MAX_BYTES} bytes.")
    try:
        found: Json = _ONE_READING.decode(answer.body.decode("utf-8-sig"))
    except (ValueError, RecursionError):
        raise Unacceptable("C3", "It is no JSON in UTF-8, or names a member twice.") from None
    if not isinstance(found, dict):
        raise Unacceptable("C3", "It is no JSON object.")
    return found


def _once(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    if len({name for name, _value in pairs}) != len(pairs):
        raise ValueError("A member occurs twice.")
    return dict(pairs)


def _no_number(text: str) -> Json:
    raise ValueError(f"{text} is no number of JSON.")


_ONE_READING = json.JSONDecoder(object_pairs_hook=_once, parse_constant=_no_number)


def _text(members: Members, name: str, rule: str = "C7") -> str:
    value = members.get(name, "")
    if value is None:
        return ""
    if not isinstance(value, str) or _HALVES.search(value) or "\0" in value:
        raise Unacceptable(rule, f"{name} is no text.")
    return value


def _texts(members: Members, name: str) -> tuple[str, ...]:
    value = members.get(name)
    if value is None:
        return ()
    texts = [one for one in value if isinstance(one, str)] if isinstance(value, list) else None
    if texts is None or len(texts) > MAX_LISTED:
        raise Unacceptable(
            "C8" if name == "redirect_uris" else "C7", f"{name} is no list of at most {MAX_LISTED} texts."
        )
    return tuple(dict.fromkeys(texts))


# --- The rules -----------------------------------------------------------------------------------------------------


def _check_same(members: Members, client_id: str) -> None:
    """Letter by letter (RFC 3986 section 6.2.1): else a copy of it elsewhere would speak for it."""
    if members.get("client_id") != client_id:
        raise Unacceptable("C2", "Its client_id is not the address it stands at, letter by letter.")


def _name(members: Members) -> str:
    name = " ".join(_text(members, "client_name").split())
    if not name:
        raise Unacceptable("C7", "It has no client_name.")
    if len(name) > MAX_NAME or _UNSEEN.search(name):
        raise Unacceptable("C7", f"Its client_name has more than {MAX_NAME} characters, or some that nobody sees.")
    return name


def _grant_types(members: Members) -> tuple[str, ...]:
    """Those of guests; without a list it is the code alone (RFC 7591 section 2)."""
    named = _texts(members, "grant_types") if members.get("grant_types") is not None else GRANTS[:1]
    kept = tuple(one for one in GRANTS if one in named)
    if GRANTS[0] not in kept:
        raise Unacceptable("C7", f"Its grant_types lack {GRANTS[0]}, without which nothing begins here.")
    if members.get("response_types") is not None and CODE not in _texts(members, "response_types"):
        raise Unacceptable("C7", "Its response_types lack code, and there is no other here.")
    return kept


def _redirect_uris(members: Members, rules: Rules) -> tuple[str, ...]:
    """Those that any client could register. One that is not among them no request gets an answer at."""
    named = _texts(members, "redirect_uris")
    if not named:
        raise Unacceptable("C8", "It has no redirect_uris.")
    kept = tuple(one for one in named if not rules.redirect_uri(one))
    if not kept:
        raise Unacceptable("C8", "None of its redirect_uris can be registered.")
    return kept


def _method(members: Members, rules: Rules) -> tuple[str, str]:
    """How it proves who it is. Everybody reads the document, so nothing in it is secret (section 4.1 of the draft)."""
    for name in SECRETS:
        if name in members:
            raise Unacceptable("C6", f"It has {name}: everybody can read it.")
    method = _text(members, "token_endpoint_auth_method", "C6") or NONE
    if method not in (NONE, BY_KEY):
        raise Unacceptable("C6", f"Its token_endpoint_auth_method has to be {NONE} or {BY_KEY}.")
    jwks, uri = members.get("jwks"), _text(members, "jwks_uri", "C6")
    if jwks is not None and uri:
        raise Unacceptable("C6", "It has jwks and jwks_uri: one of them, not both.")
    if jwks is not None and (problem := rules.jwks(jwks)):
        raise Unacceptable("C6", f"Its keys cannot be used: {problem}")
    if uri and rules.jwks_uri(uri):
        raise Unacceptable("C6", "Its jwks_uri cannot be used: no keys are fetched from there.")
    if method == BY_KEY and not (uri or _has_keys(jwks)):
        raise Unacceptable("C6", f"{BY_KEY} needs jwks with a key in it, or jwks_uri.")
    algorithm = _text(members, "token_endpoint_auth_signing_alg", "C6")
    if algorithm and algorithm not in rules.algorithms:
        raise Unacceptable("C6", f"Its token_endpoint_auth_signing_alg is not one of {', '.join(rules.algorithms)}.")
    return method, algorithm


def _has_keys(jwks: Json) -> bool:
    return isinstance(jwks, dict) and bool(jwks.get("keys"))


def _scope(members: Members) -> str:
    """None is the usual case: then each project decides what guests may ask for."""
    names = list(dict.fromkeys(_text(members, "scope", "C12").split(" ")))
    if any(name and not _SCOPE.fullmatch(name) for name in names):
        raise Unacceptable("C12", "Its scope has a character that no scope has (RFC 6749 section 3.3).")
    return " ".join(filter(None, names))
