"""An exported file as text: YAML for people and their diffs, JSON for programs. Both are read by `applyconfig`."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

import yaml

from common.json_type import Json

# What YAML does not take as it is, or takes for the end of a line. JSON may have it escaped.
_ESCAPED = re.compile("[^\x20-\x7e\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff\n]")
_ONE_LINE = 10**6  # characters: a text that is folded makes unreadable diffs


class _Indented(yaml.SafeDumper):
    """Items of a list stand below their key, and no value is an alias of another."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        super().increase_indent(flow, False)

    def ignore_aliases(self, data: object) -> bool:
        return True


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style='"' if _ESCAPED.search(text) else None)


_Indented.add_representer(str, _text)


def as_yaml(document: Mapping[str, Json]) -> str:
    return str(yaml.dump(dict(document), Dumper=_Indented, sort_keys=False, allow_unicode=True, width=_ONE_LINE))


def as_json_text(document: Mapping[str, Json]) -> str:
    text = json.dumps(document, indent=2, ensure_ascii=False)
    return _ESCAPED.sub(lambda found: f"\\u{ord(found[0]):04x}", text) + "\n"
