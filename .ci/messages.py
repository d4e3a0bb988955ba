"""Translations: `update` collects new texts into idp/locale and compiles them, `check` fails when that is needed.

    python .ci/messages.py update|check

Needs GNU gettext. A text without a translation, or with one that is only guessed (fuzzy), fails the check: pages never
mix languages. So does a translation that breaks a rule of `wording.py`.
"""

from __future__ import annotations

import gettext
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import wording

ROOT = Path(__file__).resolve().parent.parent
LOCALE = ROOT / "idp" / "locale"
RULES = ROOT / "docs" / "translations.md"
IGNORED = (".venv/*", ".bench/*", "tests/*", "var/*", "staticfiles/*", "*/node_modules/*")


def run(*command: str) -> str:
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(done.stderr or done.stdout)
    return done.stdout


def catalogs() -> list[Path]:
    return sorted(LOCALE.glob("*/LC_MESSAGES/django.po"))


def collect() -> None:
    """Take over new texts from the code and drop those that are gone."""
    locales = [argument for po in catalogs() for argument in ("-l", po.parent.parent.name)]
    ignored = [argument for pattern in IGNORED for argument in ("-i", pattern)]
    manage = [sys.executable, str(ROOT / "manage.py"), "makemessages", "--no-obsolete", "--no-location", "--no-wrap"]
    run(*manage, *locales, *ignored)


def compile_to(po: Path, mo: Path) -> None:
    run("msgfmt", "--check", "-o", str(mo), str(po))


def entries(mo: Path) -> dict[object, str]:
    with mo.open("rb") as file:
        known: dict[object, str] = dict(vars(gettext.GNUTranslations(file))["_catalog"])
    return {key: text for key, text in known.items() if key != ""}  # the header has a date


def identifiers(po: Path) -> str:
    """The texts to translate, without translations, dates and layout."""
    return run("msgattrib", "--clear-fuzzy", "--empty", "--no-wrap", "--sort-output", str(po)).partition("\n\n")[2]


def mistakes(po: Path) -> list[str]:
    """What the rules of `wording.py` say of this catalogue."""
    text = run("msgcat", "--no-wrap", str(po))
    language = po.parent.parent.name
    return [f"{po.relative_to(ROOT)}: {one}" for one in wording.mistakes(language, text, RULES.read_text())]


def problems() -> list[str]:
    found = [mistake for po in catalogs() for mistake in mistakes(po)]
    with tempfile.TemporaryDirectory() as directory:
        kept = {po: Path(directory, po.parent.parent.name + ".po") for po in catalogs()}
        for po, copy in kept.items():
            shutil.copy(po, copy)
            compiled = copy.with_suffix(".mo")
            compile_to(copy, compiled)
            if not po.with_suffix(".mo").exists() or entries(po.with_suffix(".mo")) != entries(compiled):
                found.append(f"{po.relative_to(ROOT)} is not compiled")
            for flag, what in (("--untranslated", "without a translation"), ("--only-fuzzy", "only guessed")):
                texts = [line for line in run("msgattrib", flag, str(copy)).splitlines() if line.startswith("msgid ")]
                if len(texts) > 1:  # the first is the header
                    found.append(f"{po.relative_to(ROOT)}: {len(texts) - 1} texts {what}: {texts[1]} ...")
        try:
            collect()
            found += [
                f"{po.relative_to(ROOT)} lacks texts of the code, or has some that are gone"
                for po, copy in kept.items()
                if identifiers(po) != identifiers(copy)
            ]
        finally:
            for po, copy in kept.items():
                shutil.copy(copy, po)
    return found


def main(arguments: list[str]) -> int:
    if arguments not in (["update"], ["check"]):
        sys.exit(__doc__)
    if shutil.which("msgfmt") is None:
        sys.exit("GNU gettext is missing. On Debian: sudo apt-get install -y gettext")
    if arguments == ["update"]:
        collect()
        for po in catalogs():
            compile_to(po, po.with_suffix(".mo"))
        return 0
    found = problems()
    for problem in found:
        print(problem)
    if found:
        print(
            "Run `make messages`, translate what is new in idp/locale as docs/translations.md says, and run it again."
        )
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
