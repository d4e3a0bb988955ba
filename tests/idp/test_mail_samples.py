"""Every mail there is: text and HTML of one template, in every language, complete, and from nowhere else."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.utils.translation import override

from accounts import letters
from idp import mail_samples
from idp.settings import BASE_DIR

LANGUAGES = [code for code, _name in settings.LANGUAGES]
ADDRESS = re.compile(r"https?://[^\s\"'<>]+")


class Page(HTMLParser):
    """What an HTML mail shows, and what it would fetch."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.words: list[str] = []
        self.fetched: list[str] = []
        self.links: list[str] = []
        self.open: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        said = dict(attrs)
        if tag not in ("meta", "br"):
            self.open.append(tag)
        if "src" in said or tag in ("img", "link", "script", "iframe") or "url(" in str(said.get("style")):
            self.fetched.append(tag)
        if tag == "a":
            self.links.append(str(said["href"]))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "style" not in self.open and "title" not in self.open:
            self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())


def test_there_is_a_sample_of_every_template() -> None:
    root = BASE_DIR / "templates"
    found = {str(file.relative_to(root).with_suffix("")) for file in root.glob("*/email/*")}
    assert found == set(mail_samples.NAMES)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", mail_samples.NAMES)
def test_text_and_html_say_the_same_and_fetch_nothing(name: str, language: str) -> None:
    with override(language):
        letter = mail_samples.sample(name)
    page = Page(letter.html)
    assert page.fetched == page.open == []
    assert f'lang="{language}" dir="{"rtl" if language == "ar" else "ltr"}"' in letter.html
    assert letter.subject in page.text
    for line in filter(None, map(str.strip, letter.text.splitlines())):
        for part in re.split(r": |^- |^--$|, (?=http)", line.removesuffix(":")):
            assert part in page.text, f"only the text says “{part}”"
    links = {one.removesuffix("…") for one in ADDRESS.findall(letter.text)}
    assert links == set(page.links)
    assert all(one.startswith(settings.IDP_ISSUER) for one in links)
    for text in (letter.subject, letter.text, letter.html):
        assert "{" not in text.partition("</style>")[2 if "</style>" in text else 0]
        assert "Mozilla" not in text
    assert "\n\n\n" not in letter.text


@pytest.mark.parametrize("name", mail_samples.NAMES)
def test_subjects_say_of_what(name: str) -> None:
    assert settings.IDP_NAME in mail_samples.sample(name).subject or "Acme" in mail_samples.sample(name).subject


def test_words_of_others_are_no_markup_and_write_no_lines() -> None:
    hostile = "<b>Acme</b> & co\r\nBcc: all@people.example\n\n- nothing"
    letter = letters.write("account/email/sensitive_access", {"app_name": hostile, "items": [hostile], "link": ""})
    assert letter.subject.startswith("<b>Acme</b> & co Bcc: all@people.example - nothing may")
    assert "<b>" not in letter.html
    assert "&lt;b&gt;Acme&lt;/b&gt; &amp; co" in letter.html
    assert "\n- <b>Acme</b> & co Bcc: all@people.example - nothing\n" in letter.text


def test_a_mail_says_that_nobody_wrote_it_and_has_both_forms() -> None:
    mail = mail_samples.sample("account/email/password_changed").to("pat@people.example")
    message = mail.message()
    assert message["Auto-Submitted"] == "auto-generated"
    assert message.get_content_type() == "multipart/alternative"
    kinds = [part.get_content_type() for part in message.walk() if not part.is_multipart()]
    assert kinds == ["text/plain", "text/html"]


@pytest.mark.parametrize(
    ("given", "sent"),
    [
        ("no-reply@id.example", "Acme accounts <no-reply@id.example>"),
        ("Acme <no-reply@id.example>", "Acme <no-reply@id.example>"),
        ("nobody", "Acme accounts <nobody>"),
    ],
)
def test_the_sender_has_a_name(given: str, sent: str, settings: Any) -> None:
    settings.IDP_NAME, settings.DEFAULT_FROM_EMAIL = "Acme accounts", given
    assert letters.sender() == sent


def test_the_name_of_the_installation_is_in_every_mail(settings: Any) -> None:
    settings.IDP_NAME = "Acme accounts"
    letter = mail_samples.sample("account/email/password_changed")
    assert letter.subject == "Your password at Acme accounts was changed"
    assert "Vestibule" not in letter.text + letter.html


def test_the_command_lists_shows_and_writes_them(capsys: Any, tmp_path: Path) -> None:
    call_command("previewmail")
    assert "password_changed            Your password at Vestibule was changed" in capsys.readouterr().out
    call_command("previewmail", "password_reset_key", "--language", "de", "--format", "json")
    assert "/accounts/password/reset/key/" in json.loads(capsys.readouterr().out)["text"]
    call_command("previewmail", "password_changed", "--html")
    assert "</html>" in capsys.readouterr().out
    call_command("previewmail", "--to", str(tmp_path / "mails"))
    assert len(list((tmp_path / "mails").iterdir())) == 2 * len(mail_samples.NAMES) * len(LANGUAGES)


@pytest.mark.parametrize("arguments", [("nothing",), ("--language", "xx"), ("--to", "/dev/null/there")])
def test_the_command_refuses_what_is_not_there(arguments: tuple[str, ...]) -> None:
    with pytest.raises(CommandError):
        call_command("previewmail", *arguments)
