"""Readers of environment variables, which the settings need before Django is set up."""

from __future__ import annotations

import ipaddress
import logging
import os
import re
import secrets
from collections.abc import Callable, Iterable
from email.utils import parseaddr
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import urlsplit

import environ
from django.core.exceptions import ImproperlyConfigured

from common.issuer import LOOPBACK_NAMES, PATH, checked_issuer, split
from idp.variables import text_of

MAX_GRACE = 3600  # seconds
MAX_IN_MEMORY = 100_000  # entries of a cache in memory: some forty megabytes when all are there
MOST = 36_500  # days, seconds, processes: a larger number is a mistake, and no date has room for it
MAX_NAME = 60  # characters: it stands in subjects of mails
NOTSET = environ.Env.NOTSET
Settings = dict[str, Any]
_HEADER = re.compile(r"[A-Za-z0-9-]{1,64}")  # an underscore reads like a hyphen here, and anybody could send the other
FLAGS = {"true": True, "yes": True, "on": True, "1": True, "false": False, "no": False, "off": False, "0": False}
# Redis, and the memory of a process. Others of the library are not installed, count for one machine, or for nobody.
CACHES = ("redis", "rediss", "rediscache", "valkey", "valkeys", "locmemcache")
# For each variable that is a URL: an example, and the schemes it may have.
URLS = {
    "DATABASE_URL": ("postgres://user:password@db.example.com/vestibule", ("postgres", "postgresql", "sqlite")),
    "CACHE_URL": ("redis://cache.example.com:6379/0", CACHES),
    "EMAIL_URL": ("smtp+tls://user:password@mail.example.com:587", tuple(environ.Env.EMAIL_SCHEMES)),
}


class Environment(environ.Env):
    """The environment variables. An error names the variable but never shows its value, which may be a secret."""

    read: ClassVar[set[str]] = set()  # every name that anybody asked for

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]

    def get_value(self, var: str, cast: object = None, default: object = NOTSET, parse_default: bool = False) -> object:
        """As the library does it, but for values that begin with `$`: those are no names of other variables."""
        self.read.add(var)
        text = text_of(var)
        if text is None:
            if default is NOTSET:
                raise ImproperlyConfigured(f"Set {var}. See docs/operations.md.")
            return default
        try:
            parsed: object = self.parse_value(text, cast)  # type: ignore[no-untyped-call]
        except ValueError:
            wanted = "a whole number" if cast is int else "written another way"
            raise ImproperlyConfigured(f"{var} must be {wanted}. See docs/operations.md.") from None
        return parsed

    def is_set(self, name: str) -> bool:
        """Whether this variable has a value, directly or in a file."""
        return bool(os.environ.get(name) or os.environ.get(f"{name}_FILE"))

    def flag(self, name: str) -> bool:
        """Whether this variable is on. Unset and empty mean off, and nothing is guessed."""
        value: str = self.str(name, default="")
        try:
            return FLAGS[value.strip().lower() or "false"]
        except KeyError:
            raise ImproperlyConfigured(f"{name} must be true or false.") from None

    def flag_on_loopback(self, name: str, issuer: str) -> bool:
        """The same, for what is good for developers only, whose apps and provider share a machine."""
        if (wanted := self.flag(name)) and urlsplit(issuer).hostname not in LOOPBACK_NAMES:
            raise ImproperlyConfigured(f"{name} is for loopback issuers only, and IDP_ISSUER is {issuer}. Unset it.")
        return wanted

    def networks(self, name: str) -> list[str]:
        """This variable as networks, comma-separated. None by default."""
        return checked_networks(name, self.list(name, default=[]))

    def one_of(self, name: str, usual: str, *others: str) -> str:
        """This variable as one of these words."""
        value = str(self.str(name, default="")).strip()
        if (chosen := value.lower() or usual) not in (usual, *others):
            words = " or ".join(filter(None, (", ".join((usual, *others[:-1])), others[-1])))
            raise ImproperlyConfigured(f"{name} must be {words}, not {value!r}.")
        return chosen

    def header(self, name: str) -> str:
        """This variable as the name of a header. None by default."""
        value = str(self.str(name, default="")).strip()
        if value and not _HEADER.fullmatch(value):
            raise ImproperlyConfigured(f"{name} must be the name of a header, such as ClientCert, not {value!r}.")
        return value

    def words(self, name: str, usual: str) -> str:
        """This variable as a name for people: a few words on one line."""
        value = " ".join(str(self.str(name, default="")).split()) or usual
        if len(value) > MAX_NAME or not value.isprintable():
            raise ImproperlyConfigured(f"{name} must be a name of {MAX_NAME} characters at most.")
        return value

    def positive(self, name: str, default: int, most: int = MOST) -> int:
        """This variable as a number of things, of which there must be one at least."""
        value: int = self.int(name, default=default)
        if value < 1:
            raise ImproperlyConfigured(f"{name} must be 1 or more, not {value}.")
        if value > most:
            raise ImproperlyConfigured(f"{name} must be {most:,} at most, not {value}.")
        return value

    def sender(self, name: str, usual: str) -> str:
        """This variable as whom mail is from: an address, or a name and the address in angle brackets."""
        value = str(self.str(name, default="")).strip()
        if not value:
            return usual
        if not value.isprintable() or parseaddr(value)[1].count("@") != 1:
            raise ImproperlyConfigured(f"{name} must look like no-reply@example.com or Acme <no-reply@example.com>.")
        return value

    def number_or_unsaid(self, name: str) -> int | None:
        """This variable as a number of things, of which there may be none. Unset: nobody said."""
        self.read.add(name)
        if not self.is_set(name):
            return None
        value: int = self.int(name)
        if value < 0:
            raise ImproperlyConfigured(f"{name} must be 0 or more, not {value}.")
        return value

    def hour(self, name: str, default: int) -> int:
        """This variable as an hour of the day."""
        value: int = self.int(name, default=default)
        if not 0 <= value < 24:
            raise ImproperlyConfigured(f"{name} must be an hour from 0 to 23, not {value}.")
        return value

    def listener(self, name: str) -> tuple[str, int] | None:
        """This variable as an address and a port to listen on; a port alone is one of this machine."""
        value = str(self.str(name, default="")).strip()
        if not value:
            return None
        host, _colon, port = value.rpartition(":")
        try:
            address = str(ipaddress.ip_address(host.strip("[]") or "127.0.0.1"))
            if not 1 <= int(port) <= 65_535:
                raise ValueError
        except ValueError:
            raise ImproperlyConfigured(f"{name} must look like 9100 or 127.0.0.1:9100, not {value!r}.") from None
        return address, int(port)

    def address(self, name: str, default: str, read: Callable[[str], Settings]) -> Settings:
        """This variable, a URL, as the settings that `read` makes of it."""
        example, schemes = URLS[name]
        value: str = self.str(name, default=default)
        try:
            if value.partition(":")[0] not in schemes:  # else a warning of the library would show all of it
                raise ValueError
            return read(value)
        except (ValueError, ImproperlyConfigured):
            raise ImproperlyConfigured(
                f"{name} must look like {example}, with special characters of the password percent-encoded (%40 for @)."
            ) from None


def checked_level(value: str) -> str:
    """LOG_LEVEL, in capitals or not."""
    if (level := value.strip().upper()) not in logging.getLevelNamesMapping():
        raise ImproperlyConfigured(f"LOG_LEVEL must be DEBUG, INFO, WARNING, ERROR or CRITICAL, not {value!r}.")
    return level


def checked_networks(name: str, values: Iterable[str]) -> list[str]:
    """This variable as networks. A mistake stops the start instead of failing the first request."""
    try:
        return [str(ipaddress.ip_network(value.strip(), strict=False)) for value in values if value.strip()]
    except ValueError as error:
        raise ImproperlyConfigured(f"{name} takes addresses and networks, not names: {error}.") from None


def checked_key_secrets(value: str) -> list[str]:
    """The parts of IDP_KEY_SECRETS: at least one, and none that is short."""
    parts = [part.strip() for part in value.split(",") if part.strip()]
    if not parts or any(len(part) < 32 for part in parts):
        raise ImproperlyConfigured("Each part of IDP_KEY_SECRETS needs at least 32 random characters.")
    return parts


def checked_grace(seconds: int) -> int:
    """IDP_REFRESH_GRACE_SECONDS: for an answer that got lost. For as long, a stolen refresh token passes for one."""
    if not 0 <= seconds <= MAX_GRACE:
        raise ImproperlyConfigured(f"IDP_REFRESH_GRACE_SECONDS must be 0 to {MAX_GRACE}, not {seconds}.")
    return seconds


def checked_mtls_url(value: str, own_issuer: str) -> str:
    """IDP_MTLS_URL: like the issuer, with the same path, at another host or port."""
    if not value:
        return ""
    try:
        url = checked_issuer(value)
    except ImproperlyConfigured as error:
        raise ImproperlyConfigured(str(error).replace("IDP_ISSUER", "IDP_MTLS_URL")) from None
    if split(url)[1] != split(own_issuer)[1]:
        raise ImproperlyConfigured(f"IDP_MTLS_URL must have the path of IDP_ISSUER: {value!r}.")
    return url


def checked_toolkit_paths(value: str, own_issuer: str) -> str:
    """IDP_TOOLKIT_PATHS: below the issuer, because cookies of browsers are for what is below its path."""
    path, own = value.strip().rstrip("/"), split(own_issuer)[1]
    if not path:
        return ""
    if not PATH.fullmatch(path):
        raise ImproperlyConfigured(f"IDP_TOOLKIT_PATHS must be a path such as /o, not {value!r}.")
    if not f"{path}/".startswith(f"{own}/"):
        raise ImproperlyConfigured(f"IDP_TOOLKIT_PATHS must be the path of IDP_ISSUER ({own}) or lie below it: {path}.")
    return path


def with_counters(cache: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The cache as that of counters, and a default one that asks it and does not fail when it is away."""
    if cache["BACKEND"].endswith("LocMemCache"):
        cache = {"BACKEND": "common.memory.Memory", "LOCATION": "counters", "OPTIONS": {"MAX_ENTRIES": MAX_IN_MEMORY}}
    return {"default": {"BACKEND": "common.surviving.Surviving"}, "counters": cache}


def local_secrets(path: Path) -> dict[str, str]:
    """Secrets of a loopback installation: generated once, in a file that only its owner can read."""
    if not path.exists():
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        made = {name: secrets.token_urlsafe(48) for name in ("SECRET_KEY", "IDP_KEY_SECRETS", "ADMIN_PASSWORD")}
        text = "".join(f"{name}={value}\n" for name, value in made.items())
        # Written to another file and linked into place: two first starts at once agree on one whole file.
        temporary = path.with_name(f"{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
        with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(text)
        try:
            os.link(temporary, path)
        except FileExistsError:
            pass
        finally:
            temporary.unlink()
    lines = path.read_text().splitlines()
    # The first line of a name counts: two processes that add it at once then agree on one value.
    pairs = (line.partition("=") for line in reversed(lines))
    return {name: value for name, _sign, value in pairs if value}


def get_or_create_secret(path: Path, name: str, random_bytes: int = 32) -> str:
    """This secret of a loopback installation. When it is missing, it is generated and added to the file."""
    if name not in (known := local_secrets(path)):
        newline = "" if path.read_text().endswith("\n") else "\n"
        with path.open("a") as file:
            file.write(f"{newline}{name}={secrets.token_urlsafe(random_bytes)}\n")
        known = local_secrets(path)
    return known[name]
