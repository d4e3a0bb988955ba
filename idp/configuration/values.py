"""How each kind of value is read: its type, its form, and the sentence that says what to write instead."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any

from idp.configuration.problems import Place, Problems, quoted
from idp.configuration.reading import Node
from idp.configuration.shape import Entry, Reader, Section, Wrong, read_section

_ENVIRONMENT = re.compile(r"env:([A-Za-z_][A-Za-z0-9_]*)")


def text(node: Node, problems: Problems) -> str:
    if isinstance(node.value, (bool, int)):
        raise Wrong(f"This must be text, not {node.kind}. Put it in quotes.")
    if not isinstance(node.value, str):
        raise Wrong(f"This must be text, not {node.kind}.")
    return node.value


def version(node: Node, problems: Problems) -> int:
    if node.value != 1 or isinstance(node.value, bool):
        raise Wrong("This version of the format is not known. Write 'version: 1'.")
    return node.value


def secret(node: Node, problems: Problems) -> str:
    """Taken as it is, whatever characters it has."""
    value = text(node, problems)
    if not value:
        raise Wrong("This must not be empty. Leave the key out instead.")
    return value


def secret_source(node: Node, problems: Problems) -> str:
    """The name of the environment variable."""
    match = _ENVIRONMENT.fullmatch(text(node, problems))
    if match is None:
        raise Wrong("Write 'env:NAME', with the name of an environment variable.")
    return match[1]


def flag(node: Node, problems: Problems) -> bool:
    if not isinstance(node.value, bool):
        raise Wrong(f"This must be true or false, not {node.kind}.")
    return node.value


def seconds(*, nullable: bool = False) -> Reader:
    def read(node: Node, problems: Problems) -> int | None:
        if nullable and node.value is None:
            return None
        if isinstance(node.value, bool) or not isinstance(node.value, int):
            raise Wrong(f"This must be a number of seconds, not {node.kind}.")
        return node.value

    return read


def choice(names: Iterable[str]) -> Reader:
    allowed = [str(name) for name in names]

    def read(node: Node, problems: Problems) -> str:
        if node.value is False and "off" in allowed:
            return "off"  # YAML reads a bare `off` as false
        value = text(node, problems)
        if value not in allowed:
            raise Wrong(f"{quoted(value)} is not known here. Use one of: {', '.join(allowed)}.")
        return value

    return read


def _list(node: Node) -> list[Node]:
    if not isinstance(node.value, list):
        raise Wrong(f"This must be a list, not {node.kind}.")
    return node.value


def _each(node: Node, problems: Problems, read: Reader) -> list[tuple[Any, Place]]:
    """The good items, each with its place; what is wrong with the others is told where it stands."""
    good: dict[Any, Place] = {}
    for item in _list(node):
        try:
            value = read(item, problems)
        except Wrong as error:
            problems.add_unless_known(item.place, error)
            continue
        if value in good:
            problems.add(item.place, f"{quoted(str(value))} is listed twice.")
        good.setdefault(value, item.place)
    return list(good.items())


def texts(node: Node, problems: Problems) -> list[tuple[str, Place]]:
    return _each(node, problems, text)


def scope(node: Node, problems: Problems) -> str:
    if isinstance(node.value, list):
        raise Wrong("Write the scopes as one text, separated by spaces.")
    return " ".join(text(node, problems).split())


def scope_descriptions(of: Section) -> Callable[[Node, Problems], dict[str, Entry]]:
    """Scope names with the words people read, or with a mapping that says more."""

    def read(node: Node, problems: Problems) -> dict[str, Entry]:
        if not isinstance(node.value, dict):
            raise Wrong(f"This must be a mapping of scope names and descriptions, not {node.kind}.")
        good = {}
        for name, child in node.value.items():
            # A bare text stands for a mapping that says nothing else.
            bare = not isinstance(child.value, dict)
            entry = read_section(of, Node({"description": child}, child.place) if bare else child, problems)
            if entry is not None:
                good[name] = entry
        return good

    return read


def shared(node: Node, problems: Problems) -> str | list[tuple[str, Place]]:
    if isinstance(node.value, list):
        return texts(node, problems)
    if node.value not in ("private", "public"):
        raise Wrong("Write 'private', 'public' or a list of project ids.")
    return str(node.value)


def audience(of: Section) -> Reader:
    """Texts, or mappings with `value`, `mode` and `default`; entries either way."""

    def read(node: Node, problems: Problems) -> list[Entry]:
        entries = []
        for item in _list(node):
            # A bare text stands for a mapping that says nothing else.
            whole = Node({"value": item}, item.place) if isinstance(item.value, str) else item
            if entry := read_section(of, whole, problems):
                entries.append(entry)
        return entries

    return read


def section(of: Section) -> Reader:
    def read(node: Node, problems: Problems) -> Entry:
        entry = read_section(of, node, problems)
        return entry if entry is not None else Entry(of, node.place)

    return read


def sections(of: Section) -> Callable[[Node, Problems], list[Entry]]:
    def read(node: Node, problems: Problems) -> list[Entry]:
        return [entry for item in _list(node) if (entry := read_section(of, item, problems))]

    return read


def jwks(node: Node, problems: Problems) -> Any:
    """A JWK Set as it is; what its keys must be like is for the registration to say."""
    if not isinstance(node.value, dict):
        raise Wrong("Write 'jwks: {keys: [...]}', or leave the key out.")
    return _plain(node)


def _plain(node: Node) -> Any:
    if isinstance(node.value, dict):
        return {name: _plain(child) for name, child in node.value.items()}
    return [_plain(child) for child in node.value] if isinstance(node.value, list) else node.value
