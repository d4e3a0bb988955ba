"""Client ids that are addresses (draft-ietf-oauth-client-id-metadata-document): which may be, and how they are shown.

Such an id is a name. It is compared letter by letter and never brought into another form, so whatever could be spelt in
two ways is refused: else two ids would look alike, and be two clients. Rules C1, C2, C9 and C16.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from urllib.parse import urlsplit

RULES = ("C1", "C2", "C16")
MAX_LENGTH = 255  # characters, as an id may have
MAX_LABEL = 63  # of a host name (RFC 1035 section 2.3.4)
MAX_PORT = 65_535
LOOPBACK = frozenset({"localhost", "127.0.0.1", "[::1]"})

_ADDRESS = re.compile(r"https?:", re.IGNORECASE)
_ALLOWED = re.compile(r"[!#-;=?-Z_a-z~\[\]]+")  # visible ASCII without `"`, `<`, `>`, `\`, `^`, `` ` ``, `{`, `|`, `}`
_PARTS = re.compile(
    r"(?P<scheme>[^:/?#]*)://(?P<authority>[^/?#]*)(?P<path>[^?#]*)(?P<query>\?[^#]*)?(?P<fragment>#.*)?"
)
_HOST_AND_PORT = re.compile(r"(?P<host>\[[^\]]*\]|[^:]*)(?P<port>:.*)?")
_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?")
_PORT = re.compile(r":[1-9][0-9]{0,4}")
_ESCAPE = re.compile(r"%(.{0,2})")
_HEX = re.compile(r"[0-9A-F]{2}")
_UNRESERVED = re.compile(r"[A-Za-z0-9._~-]")  # RFC 3986 section 2.3: never escaped where one spelling counts
_DOTS = frozenset({".", ".."})
_CANNOT_STAND_FOR_ITSELF = frozenset("/\\")  # one server takes it for the separator, and the next does not


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a rule says. No problem: it holds."""

    rule: str
    problem: str = ""


class Unacceptable(Exception):
    """A rule refuses this id, or its document. The sentence is for developers; it repeats nothing that was sent."""

    def __init__(self, rule: str, sentence: str) -> None:
        super().__init__(sentence)
        self.rule = rule


@dataclass(frozen=True, slots=True)
class Own:
    """What addresses are ours, and whether documents on this machine count: for developers, never on the internet."""

    addresses: tuple[str, ...]
    loopback: bool = False


@dataclass(frozen=True, slots=True)
class _Url:
    scheme: str
    host: str
    port: str
    path: str
    has_query: bool
    has_fragment: bool
    has_user: bool


def is_address(client_id: str) -> bool:
    """Whether this id begins like an address of the web. No other client has such an id."""
    return _ADDRESS.match(client_id) is not None


def verdicts(client_id: str, own: Own) -> list[Verdict]:
    """What each rule says of this id."""
    found = []
    for rule, check in zip(RULES, (_check_form, _check_spelling, _check_host), strict=True):
        try:
            check(client_id, own)
        except Unacceptable as error:
            found.append(Verdict(rule, str(error)))
            if rule == "C1":
                break  # what has no host and path cannot be judged any further
        else:
            found.append(Verdict(rule))
    return found


def check(client_id: str, own: Own) -> None:
    """Raises Unacceptable."""
    for verdict in verdicts(client_id, own):
        if verdict.problem:
            raise Unacceptable(verdict.rule, verdict.problem)


def _check_form(client_id: str, own: Own) -> None:
    """What the draft wants of it (section 3), and a name for a host: people are shown it."""
    url = _read(client_id)
    loopback = own.loopback and url.host.lower() in LOOPBACK
    if url.scheme.lower() != "https" and not (loopback and url.scheme.lower() == "http"):
        raise Unacceptable("C1", "A client id that is an address begins with https.")
    if url.has_user:
        raise Unacceptable("C1", "It must not have a user name or a password.")
    if url.has_fragment:
        raise Unacceptable("C1", "It must not have a fragment.")
    if url.has_query:
        raise Unacceptable("C1", "It must not have a query: whoever writes it would write the document.")
    if not url.path:
        raise Unacceptable("C1", "It needs a path, if only /.")
    if any(segment.replace("%2e", ".").replace("%2E", ".") in _DOTS for segment in url.path.split("/")):
        raise Unacceptable("C1", "Its path must not have . or .. as a segment.")
    if not loopback and not _is_name(url.host.lower().removesuffix(".")):
        raise Unacceptable("C1", "Its host has to be a name with a dot in it, in ASCII, and no number.")


def _check_spelling(client_id: str, _own: Own) -> None:
    """It has one spelling (RFC 3986 section 6.2.2), and is in it."""
    url = _read(client_id)
    if url.scheme != url.scheme.lower() or url.host != url.host.lower():
        raise Unacceptable("C2", "Write its scheme and host in small letters.")
    if url.host.endswith("."):
        raise Unacceptable("C2", "Leave the dot at the end of its host out.")
    if url.port and (not _PORT.fullmatch(url.port) or int(url.port[1:]) > MAX_PORT):
        raise Unacceptable("C2", "Its port is no number between 1 and 65535 without zeros before it.")
    if url.port == {"https": ":443", "http": ":80"}[url.scheme]:
        raise Unacceptable("C2", "Leave the port out where it is the usual one.")
    for escape in _ESCAPE.finditer(url.path):
        _check_escape(escape[1])


def _check_escape(digits: str) -> None:
    if not _HEX.fullmatch(digits):
        raise Unacceptable("C2", "After a % its path needs two hexadecimal digits, in capitals.")
    character = chr(int(digits, 16))
    if _UNRESERVED.fullmatch(character):
        raise Unacceptable("C2", "Its path escapes a character that needs no escape.")
    if character in _CANNOT_STAND_FOR_ITSELF or not (" " <= character < "\x7f" or character >= "\x80"):
        raise Unacceptable("C2", "Its path must not escape slashes, backslashes and control characters.")


def _check_host(client_id: str, own: Own) -> None:
    """Somebody may put a file on our own host, and it would speak with our name."""
    url = _read(client_id)
    for address in own.addresses:
        ours = _read(address if "://" in address else f"https://{address}")
        same = url.host.lower().removesuffix(".") == ours.host.lower()
        if same and (url.host.lower() not in LOOPBACK or (url.scheme, url.port) == (ours.scheme, ours.port)):
            raise Unacceptable("C16", "Its host is the one of this provider: no document there is a client.")


def _read(client_id: str) -> _Url:
    if len(client_id) > MAX_LENGTH:
        raise Unacceptable("C1", f"It has more than {MAX_LENGTH} characters.")
    if not _ALLOWED.fullmatch(client_id):
        raise Unacceptable("C1", "It has visible ASCII characters only, without quotes, brackets and backslashes.")
    parts = _PARTS.fullmatch(client_id)
    if parts is None:
        raise Unacceptable("C1", "It is no address.")
    user, _at, rest = parts["authority"].rpartition("@")
    place = _HOST_AND_PORT.fullmatch(rest)
    if place is None:
        raise Unacceptable("C1", "It is no address.")
    return _Url(
        scheme=parts["scheme"],
        host=place["host"],
        port=place["port"] or "",
        path=parts["path"],
        has_query=parts["query"] is not None,
        has_fragment=parts["fragment"] is not None,
        has_user=bool(_at or user),
    )


def _is_name(host: str) -> bool:
    """A host that ends in a number is an address to browsers, however it is written (`0x7f.1` is 127.0.0.1)."""
    labels = host.split(".")
    whole = all(_LABEL.fullmatch(label) and len(label) <= MAX_LABEL for label in labels)
    return whole and len(labels) > 1 and not labels[-1][0].isdigit() and labels[-1] != "localhost"


# --- Shown ---------------------------------------------------------------------------------------------------------

ACE = "xn--"  # how a label begins that stands for other letters (RFC 5890 section 2.3.2.1)
# Writing systems that one language uses together. Any other two in one label are made to look like a third.
TOGETHER = (
    frozenset({"CJK", "HIRAGANA", "KATAKANA"}),
    frozenset({"CJK", "BOPOMOFO"}),
    frozenset({"CJK", "HANGUL"}),
)
# Letters of other systems that look like Latin ones: a label of nothing else could be read as a Latin word.
LOOK_LATIN = frozenset("асԁеһіјӏорԛѕԝхуъьҽпгѵѡղոսցհյքօ" + "αβγικνορστυχωϲϳ")
_LETTERS = frozenset({"Ll", "Lo", "Lm", "Mn", "Mc", "Nd"})  # marks of no one system (“COMBINING …”) are one more


def host_of(client_id: str) -> str:
    """The host of an id that the rules let pass, with its port where it has one, in ASCII."""
    return urlsplit(client_id).netloc


def shown_host(host: str) -> str:
    """As people are shown a host (rule C9): in its letters where these cannot be taken for others, else in ASCII."""
    return ".".join(_shown_label(label) for label in host.split("."))


def _shown_label(label: str) -> str:
    if not label.startswith(ACE):
        return label
    try:
        letters = label.removeprefix(ACE).encode("ascii").decode("punycode")
        same = letters.encode("punycode").decode("ascii") == label.removeprefix(ACE)
    except (UnicodeError, ValueError, OverflowError):
        return label
    return letters if same and _is_plain(letters) else label


def _is_plain(letters: str) -> bool:
    """One writing system, in its usual form, without what nobody sees, and not all look-alikes."""
    other = [one for one in letters if one not in "-0123456789"]
    if not other or letters.isascii() or unicodedata.normalize("NFC", letters) != letters:
        return False
    if any(unicodedata.category(one) not in _LETTERS for one in other):
        return False
    systems = {unicodedata.name(one, "?").partition(" ")[0] for one in other}
    if len(systems) > 1 and not any(systems <= together for together in TOGETHER):
        return False
    return not all(one in LOOK_LATIN for one in other)
