"""What people meet of Django is in their language, too, where Django's own catalogue has it in English."""

from __future__ import annotations

import gettext
from pathlib import Path

import django
import pytest
from django.contrib.auth.password_validation import MinimumLengthValidator
from django.core.exceptions import ValidationError
from django.utils import translation

from accounts.words_of_django import NUMBERED, TEXTS

pytestmark = pytest.mark.any_database
DJANGO = Path(django.__file__).parent
LANGUAGES = ["de", "ar"]
# Our pages have words of their own in their place, or nobody meets them.
REPLACED = {
    "Disabled",
    "Enable password-based authentication for this user by setting a password.",
    "Enabled",
    "Enter a valid username. This value may contain only unaccented lowercase a-z and uppercase A-Z letters, numbers, "
    "and @/./+/-/_ characters.",
    "In case you’ve forgotten, you are:",  # noqa: RUF001 - as Django writes it
    "Raw passwords are not stored, so there is no way to see the user’s password.",  # noqa: RUF001 - as Django writes it
    "Whether the user will be able to authenticate using a password or not. If disabled, they may still be able to "
    "authenticate using other backends, such as Single Sign-On or LDAP.",
}


def catalogue(part: str, language: str) -> dict[object, str]:
    with (DJANGO / part / "locale" / language / "LC_MESSAGES" / "django.mo").open("rb") as file:
        return dict(vars(gettext.GNUTranslations(file))["_catalog"])


def sources(part: str) -> set[str]:
    """Of English, whose compiled catalogue holds none."""
    text = (DJANGO / part / "locale" / "en" / "LC_MESSAGES" / "django.po").read_text()
    found: set[str] = set()
    for block in text.split("\n\n"):
        said = [line for line in block.splitlines() if not line.startswith("#")]
        if said and said[0].startswith("msgid"):
            rest = said[1 : next(n for n, line in enumerate(said) if n and line.startswith("msg"))]
            found.add(
                "".join(line.partition('"')[2].rpartition('"')[0] for line in (said[0], *rest)).replace(r"\"", '"')
            )
    return found - {""}


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("part", ["contrib/auth", "contrib/admin"])
def test_what_django_leaves_in_english_is_ours_or_met_by_nobody(part: str, language: str) -> None:
    there = {key[0] if isinstance(key, tuple) else key for key in catalogue(part, language)}
    left = sources(part) - there - REPLACED
    assert left <= {*TEXTS, *(one for one, _many in NUMBERED)}


@pytest.mark.parametrize("language", LANGUAGES)
def test_they_have_words_in_every_language(language: str) -> None:
    with translation.override(language):
        assert [text for text in TEXTS if translation.gettext(text) == text] == []


@pytest.mark.parametrize(("language", "word"), [("de", "zu kurz"), ("ar", "قصيرة جدًا")])
def test_a_short_password_is_refused_in_the_language_of_the_page(language: str, word: str) -> None:
    with translation.override(language), pytest.raises(ValidationError) as refused:
        MinimumLengthValidator().validate("short")
    assert word in refused.value.messages[0]
    assert "8" in refused.value.messages[0]
