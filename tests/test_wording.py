"""The rules of .ci/wording.py that `make messages-check` holds translations to (docs/translations.md)."""

from __future__ import annotations

from pathlib import Path

import pytest
import wording

PAGE = (Path(__file__).parent.parent / "docs" / "translations.md").read_text()
SIX = ("لا رموز (%(n)s)", "رمز (%(n)s)", "رمزان (%(n)s)", "%(n)s رموز", "%(n)s رمزًا", "%(n)s رمز")


def said(language: str, source: str, *forms: str, plural: str = "") -> str:
    """What the rules say of one message; empty when they agree."""
    number = {"de": 2, "ar": 6}[language]
    message = wording.Message(source, plural, forms)
    return "; ".join(mistake for rule in wording.rules(language, number, PAGE) for mistake in rule(message))


RIGHT = [
    ("de", "Sign out?", "Abmelden?"),
    ("de", "Enter the code.", "Geben Sie den Code ein."),
    ("de", "Change the password", "Passwort ändern"),
    ("de", "Open “Secrets” of <b>%(name)s</b>.", "Öffnen Sie „Geheimnisse“ von <b>%(name)s</b>."),
    ("de", "Secret in the Authorization header", "Geheimnis im Authorization-Header"),
    ("ar", "Sign out?", "هل تريد تسجيل الخروج؟"),
    ("ar", "%(uri)s: use https.", "\u2066%(uri)s\u2069: استخدم https."),
    ("ar", "Last used %(day)s", "آخر استخدام \u200e%(day)s"),
    ("ar", "from <bdi>%(at)s</bdi>", "من <bdi>%(at)s</bdi>"),
]


@pytest.mark.parametrize(("language", "source", "text"), RIGHT)
def test_a_good_translation_breaks_no_rule(language: str, source: str, text: str) -> None:
    assert said(language, source, text) == ""


def test_arabic_needs_all_six_plural_forms() -> None:
    assert said("ar", "%(n)s token", *SIX, plural="%(n)s tokens") == ""
    assert "5 of 6 forms" in said("ar", "%(n)s token", *SIX[:5], plural="%(n)s tokens")
    assert "0 of 1 forms" in said("ar", "Code", "")


def test_german_needs_both() -> None:
    assert "1 of 2 forms" in said("de", "%(n)s code", "%(n)s Code", plural="%(n)s codes")


WRONG = [
    ("de", "Hello %(name)s", "Hallo", "placeholders"),
    ("de", "Hello %(name)s", "Hallo %(nam)s", "placeholders"),
    ("de", "<b>Hello</b>", "<b>Hallo<b>", "tags"),
    ("de", "Done.", "Fertig", "ends with"),
    ("de", "Done", "Fertig.", "ends with"),
    ("de", "Done?", "Fertig.", "ends with"),
    ("de", "Done", " Fertig", "spaces"),
    ("de", "Done and gone", "Fertig  und weg", "spaces"),
    ("de", "One\ntwo", "Eins zwei", "lines"),
    ("de", "Open “Codes”", 'Öffnen: "Codes"', "quotations"),
    ("de", "Open “Codes”", "Codes öffnen", "quotations"),
    ("de", "Enter your code.", "Geben Sie deinen Code ein.", "du"),
    ("de", "Is it you?", "Bist du es?", "du"),
    ("de", "It went wrong. Open the page.", "Das ging schief. Öffne die Seite.", "du"),
    ("de", "New token", "Neue Marke", "another word than Token"),
    ("de", "It is signed", "Mit Unterschrift", "'Unterschrift'"),
    ("ar", "Is it you?", "هل هذا أنت?", "ends with '?'"),
    ("ar", "Is it you? Try again.", "هل هذا أنت? أعد المحاولة.", "Latin mark"),
    ("ar", "One, two", "واحد, اثنان", "Latin mark"),
    ("ar", "One; two", "واحد; اثنان", "Latin mark"),
    ("ar", "Open “Codes”", "افتح “الرموز”", "quotations"),
    ("ar", "%(uri)s: use https.", "\u200f%(uri)s: استخدم https.", "not isolated"),
    ("ar", "revoked %(at)s", "أُبطل %(at)s", "marked"),
    ("ar", "%(app)s asks", "%(app)s التطبيق يطلب", "begins with a value"),
    ("ar", "Another password", "كلمة السر", "another word"),
]


@pytest.mark.parametrize(("language", "source", "text", "mistake"), WRONG)
def test_a_mistake_is_named(language: str, source: str, text: str, mistake: str) -> None:
    assert mistake in said(language, source, text)


def test_a_catalogue_is_read_as_gettext_writes_it() -> None:
    po = r"""# A comment.
msgid ""
msgstr ""
"Language: de\n"
"Plural-Forms: nplurals=2; plural=(n != 1);\n"

#, python-format
msgid "%(n)s code"
msgid_plural "%(n)s codes"
msgstr[0] "%(n)s Code"
msgstr[1] "%(n)s Codes"

msgid ""
"One \"line\"\n"
"and another"
msgstr "x"
"""
    number, (plural, quoted) = wording.read(po)
    assert number == 2
    assert plural == wording.Message("%(n)s code", "%(n)s codes", ("%(n)s Code", "%(n)s Codes"))
    assert (quoted.source, quoted.forms) == ('One "line"\nand another', ("x",))
    (mistake,) = wording.mistakes("de", po, PAGE)
    assert mistake.startswith('“One "line"\nand another” has other spaces or lines')


def test_every_row_of_the_glossary_has_words_in_both_languages() -> None:
    for column in (1, 3):
        found = wording.glossary(PAGE, column)
        assert len(found) > 30
        assert [term.word for term in found if not term.stems] == []
