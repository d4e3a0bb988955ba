"""What a translation must keep of its source, and how German and Arabic are written; docs/translations.md says why.

Rules are plain functions: each takes one message and yields a sentence for every mistake. `messages.py` runs them.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

_KEYWORD = re.compile(r'(msgid|msgid_plural|msgstr(?:\[\d\])?) (".*")')
_PLURALS = re.compile(r"nplurals=(\d+)")
_PLACEHOLDER = re.compile(r"%\(\w+\)[a-z]|%[sd]")
_TAG = re.compile(r"</?[a-z][^>]*>")
_NAMES = re.compile(rf"{_PLACEHOLDER.pattern}|\S+://\S+|\b\w+(?:\.\w+)+\S*")  # a value or an address has no words
_MARKS = ".:?؟…!"

_ADDRESS = re.compile(r"\b(du|dich|dir|dein\w*|euch|euer\w*|eure\w*)\b", re.IGNORECASE)
_IMPERATIVE = re.compile(
    r"(?:^|[.:?!] )(Gib|Wähle|Klicke|Öffne|Bestätige|Ändere|Prüfe|Melde|Nutze|Verwende|Benutze|Lösche|Entferne|Erzeuge"
    r"|Warte|Schreibe|Nenne|Kopiere|Scanne|Geh|Gehe|Lies|Nimm|Füge|Setze|Versuche|Richte|Bitte) (?!Sie\b)[a-zäöü]"
)

_ARABIC = "\u0600-\u06ff"
_LATIN_MARK = re.compile(rf"[{_ARABIC})»]\s*[?,;]")
_ISOLATED = re.compile(r"\u2066[^\u2069]*\u2069|<bdi>.*?</bdi>|<code>.*?</code>")
_TURNED = re.compile(r"(?<!\u200e)%\((?:at|day)\)s|%\((?:uri|api|value)\)s")


@dataclass(frozen=True)
class Message:
    """One entry of a catalogue. `forms` are its translations: one, or one for each plural form of the language."""

    source: str
    plural: str = ""
    forms: tuple[str, ...] = ()

    @property
    def sources(self) -> list[str]:
        return [self.source, self.plural] if self.plural else [self.source]


@dataclass(frozen=True)
class Term:
    """A row of the glossary: a source with this word has one of these stems in its translation, and never those."""

    word: str
    stems: tuple[str, ...]
    never: tuple[str, ...] = ()


Rule = Callable[[Message], Iterator[str]]


# --- Reading -------------------------------------------------------------------------------------------------------


def read(po: str) -> tuple[int, list[Message]]:
    """The number of plural forms that the header promises, and the entries. `po` is as `msgcat --no-wrap` writes it."""
    found = []
    for block in po.split("\n\n"):
        parts: dict[str, str] = {}
        key = ""
        for line in block.splitlines():
            if match := _KEYWORD.fullmatch(line):
                key, parts[match[1]] = match[1], ast.literal_eval(match[2])
            elif line.startswith('"') and key:
                parts[key] += ast.literal_eval(line)
        if "msgid" in parts:
            forms = tuple(text for name, text in parts.items() if name.startswith("msgstr"))
            found.append(Message(parts["msgid"], parts.get("msgid_plural", ""), forms))
    header = next((one for one in found if not one.source), Message("", forms=("",)))
    promised = _PLURALS.search(header.forms[0])
    return int(promised[1]) if promised else 2, [one for one in found if one.source]


def glossary(page: str, column: int) -> list[Term]:
    """The table of docs/translations.md: what a language says for a word (`column`), and what it avoids (the next)."""
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in page.splitlines() if line.startswith("|")]
    return [Term(row[0], _words(row[column]), _words(row[column + 1])) for row in rows[2:]]


def _words(cell: str) -> tuple[str, ...]:
    return tuple(word.strip() for word in cell.split(",") if word.strip())


# --- Rules of every language ---------------------------------------------------------------------------------------


def plural_forms(number: int) -> Rule:
    def complete(message: Message) -> Iterator[str]:
        wanted = number if message.plural else 1
        if len([text for text in message.forms if text]) != wanted:
            yield f"has {len([text for text in message.forms if text])} of {wanted} forms"

    return complete


def placeholders(message: Message) -> Iterator[str]:
    """A number may be a word in English ("one code"), so a plural keeps what any of its sources has."""
    wanted = {one for source in message.sources for one in _PLACEHOLDER.findall(source)}
    for text in message.forms:
        if set(_PLACEHOLDER.findall(text)) != wanted:
            yield f"has not the placeholders of its source: {text}"


def tags(message: Message) -> Iterator[str]:
    for text in message.forms:
        if sorted(_TAG.findall(text)) != sorted(_TAG.findall(message.source)):
            yield f"has not the tags of its source: {text}"


def edges(question: str) -> Rule:
    """The mark at the end says what a text is: a sentence, a question, a label before a value."""

    def same(message: Message) -> Iterator[str]:
        wanted = _mark(message.source).replace("?", question)
        for text in message.forms:
            if _mark(text) != wanted:
                yield f"ends with {_mark(text) or 'no mark'!r} and not with {wanted or 'no mark'!r}: {text}"
            if text.strip() != text or text.count("\n") != message.source.count("\n") or "  " in text:
                yield f"has other spaces or lines than its source: {text!r}"

    return same


def _mark(text: str) -> str:
    return text[-1:] if text[-1:] in _MARKS else ""


def terms(known: list[Term]) -> Rule:
    """A term may also stay as it is, where it is a name (“Authorization header”)."""

    def consistent(message: Message) -> Iterator[str]:
        sources = [_NAMES.sub("", source) for source in message.sources]
        for term in known:
            asked = all(re.search(rf"(?<![\w-]){term.word}s?\b", source, re.IGNORECASE) for source in sources)
            allowed = [stem.lower() for stem in (*term.stems, term.word)]
            for text in message.forms:
                if asked and not any(stem in text.lower() for stem in allowed):
                    yield f"has another word than {' or '.join(term.stems)} for {term.word!r}: {text}"
                for word in term.never:
                    if re.search(rf"(?<!\w){word}", text):
                        yield f"has {word!r}, for which docs/translations.md has another word: {text}"

    return consistent


def quotes(opening: str, closing: str, foreign: str) -> Rule:
    """Every quotation of the source, in the marks of the language and no others."""

    def paired(message: Message) -> Iterator[str]:
        for text in message.forms:
            bare = _TAG.sub("", text)
            wanted = message.source.count("“") + len(re.findall(r"(?<!\w)'[^' ]+'", message.source))
            if not bare.count(opening) == bare.count(closing) >= wanted or any(mark in bare for mark in foreign):
                yield f"has not the quotations of its source, in {opening}…{closing}: {text}"

    return paired


# --- German --------------------------------------------------------------------------------------------------------


def polite(message: Message) -> Iterator[str]:
    """People are addressed as Sie. A label or a button may be an infinitive; a sentence to a person is not."""
    for text in message.forms:
        if _ADDRESS.search(text) or _IMPERATIVE.search(text):
            yield f"says du: {text}"


# --- Arabic --------------------------------------------------------------------------------------------------------


def arabic_marks(message: Message) -> Iterator[str]:
    for text in message.forms:
        if _LATIN_MARK.search(_ISOLATED.sub("", text)):
            yield f"has a Latin mark where Arabic has ؟ ، ؛: {text}"


def directions(message: Message) -> Iterator[str]:
    """Addresses end in neutral characters, and digits of a date turn round after Arabic letters (UAX #9, W2 and W4)."""
    for text in message.forms:
        if _TURNED.search(_ISOLATED.sub("", text)):
            yield f"has an address or a date that is not isolated (U+2066 … U+2069) or marked (U+200E): {text}"
        if not message.plural and text.startswith("%("):
            yield f"begins with a value, which may turn the whole text left to right; begin with U+200F: {text}"


def rules(language: str, number: int, page: str) -> list[Rule]:
    common: list[Rule] = [plural_forms(number), placeholders, tags, edges("؟" if language == "ar" else "?")]
    if language == "de":
        return [*common, terms(glossary(page, 1)), quotes("„", "“", "”«»\"'"), polite]
    if language == "ar":
        return [*common, terms(glossary(page, 3)), quotes("«", "»", "“”„\"'"), arabic_marks, directions]
    return common


def mistakes(language: str, po: str, page: str) -> list[str]:
    number, found = read(po)
    return [
        f"“{message.source}” {mistake}"
        for message in found
        for rule in rules(language, number, page)
        for mistake in rule(message)
    ]
