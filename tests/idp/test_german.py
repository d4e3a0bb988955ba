"""German speaks to people with *Sie*: in our catalogue, and in what they meet of allauth's."""

from __future__ import annotations

import gettext
import re
from pathlib import Path

import allauth
import pytest
from django.conf import settings
from django.utils import translation

from accounts.words_of_allauth import TEXTS

pytestmark = pytest.mark.any_database
ALLAUTH = Path(allauth.__file__).parent
DU = re.compile(
    r"\b(du|dich|dir|dein(e[mnrs]?)?|hast|bist|kannst|musst|willst|darfst|möchtest|(gib|wähle|habe|lass|bestätige) )\b",
    re.IGNORECASE,
)
ACCUSED = r"\b(ich habe|habe ich|wir haben) "


def catalogue(folder: Path) -> dict[str, str]:
    path = folder / "locale" / "de" / "LC_MESSAGES" / "django.mo"
    with path.open("rb") as file:
        found = vars(gettext.GNUTranslations(file))["_catalog"]
    return {key[0] if isinstance(key, tuple) else key: said for key, said in found.items()}


def familiar(said: str) -> bool:
    return bool(DU.search(re.sub(ACCUSED, "", said, flags=re.IGNORECASE)))


def test_our_own_catalogue_says_sie() -> None:
    assert [said for said in catalogue(settings.BASE_DIR / "idp").values() if familiar(said)] == []


def written_by_allauth() -> str:
    """Its code, and the messages that it shows above a page. Its pages and mails are replaced by ours."""
    code = [path for part in ("account", "mfa", "core") for path in (ALLAUTH / part).rglob("*.py")]
    shown = [path for part in ("account", "mfa") for path in (ALLAUTH / "templates" / part / "messages").glob("*.txt")]
    theirs = [
        path
        for path in shown
        if not (settings.BASE_DIR / "templates" / path.relative_to(ALLAUTH / "templates")).exists()
    ]
    text = "\n".join(path.read_text() for path in [*code, *theirs])
    return re.sub(r"\{\{ ?(\w+) ?\}\}", r"%(\1)s", re.sub(r'"\s*\n\s*"', "", text))


def test_what_people_meet_of_allauth_says_sie() -> None:
    written = written_by_allauth()
    met = {text for text, said in catalogue(ALLAUTH).items() if text and familiar(said) and text in written}
    assert met <= {*TEXTS}
    with translation.override("de"):
        assert [said for text in TEXTS if familiar(said := translation.gettext(text))] == []
