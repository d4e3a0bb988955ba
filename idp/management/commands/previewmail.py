"""`manage.py previewmail`: what the mails of this installation look like, without sending one."""

from __future__ import annotations

from pathlib import Path

from django.conf import settings
from django.core.management.base import CommandParser
from django.utils.translation import override

from common.command import DatabaseCommand, Refused, wrong_use
from common.command_output import number
from idp import mail_samples

SAMPLES = {mail_samples.short(name): name for name in mail_samples.NAMES}


class Command(DatabaseCommand):
    help = "Show a mail as people get it, with invented facts; or write all of them, in every language, to a directory."
    needs_database = False
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", nargs="?", metavar="MAIL", help="which one; without it: a list of all")
        parser.add_argument("--language", default=settings.LANGUAGE_CODE, help="en, de or ar")
        parser.add_argument("--html", action="store_true", help="the HTML instead of the text")
        parser.add_argument("--to", metavar="DIRECTORY", help="write every mail there, as .html and .txt")
        super().add_arguments(parser)

    def handle(self, *, name: str | None, language: str, html: bool, to: str | None, **options: object) -> None:
        if language not in dict(settings.LANGUAGES):
            raise wrong_use(f"--language: mails speak {', '.join(dict(settings.LANGUAGES))}.")
        if to is not None:
            return self._write(Path(to))
        with override(language):
            if name is None:
                subjects = {one: mail_samples.sample(template).subject for one, template in SAMPLES.items()}
                return self.answer({"mails": subjects}, [f"{one:<28}{said}" for one, said in subjects.items()])
            if name not in SAMPLES:
                raise wrong_use(f"There is no such mail. There are: {', '.join(SAMPLES)}.")
            letter = mail_samples.sample(SAMPLES[name])
        shown = letter.html if html else letter.text
        said = {"subject": letter.subject, "text": letter.text, "html": letter.html}
        return self.answer(said, [f"Subject: {letter.subject}", "", *shown.splitlines()])

    def _write(self, directory: Path) -> None:
        written = []
        try:
            directory.mkdir(parents=True, exist_ok=True)
            for language, _words in settings.LANGUAGES:
                with override(language):
                    for short, name in SAMPLES.items():
                        letter = mail_samples.sample(name)
                        for suffix, text in ((".html", letter.html), (".txt", f"{letter.subject}\n\n{letter.text}")):
                            (directory / f"{short}.{language}{suffix}").write_text(text, encoding="utf-8")
                            written.append(f"{short}.{language}{suffix}")
        except OSError as error:
            raise Refused(f"It cannot be written: {error.strerror}.") from None
        self.answer({"written": written}, [f"{number(len(written), 'file is', 'files are')} in {directory}."])
