"""A person at a browser without scripts: cookies, forms, and where pages lead on to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from html.parser import HTMLParser
from http.cookies import CookieError, SimpleCookie
from urllib.parse import parse_qsl, urlencode, urljoin, urlsplit

from idp.conformance import Wrong
from idp.conformance.http import FORM, Answer, Request, Transport

STEPS = 12  # from one page of ours to the next
Pairs = Sequence[tuple[str, str]]


@dataclass
class Form:
    """What a browser sends of it when nothing is typed; its buttons apart."""

    action: str
    method: str
    fields: list[tuple[str, str]] = field(default_factory=list)
    names: set[str] = field(default_factory=set)  # of everything that can be sent

    def filled(self, **typed: str) -> list[tuple[str, str]]:
        return [*((name, value) for name, value in self.fields if name not in typed), *typed.items()]


class Forms(HTMLParser):
    """The forms of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[Form] = []
        self._select = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        has = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.found.append(Form(has.get("action", ""), has.get("method", "get").lower()))
        elif self.found and tag in ("input", "button", "select", "option"):
            self._field(tag, has, self.found[-1])

    def _field(self, tag: str, has: dict[str, str], form: Form) -> None:
        name = has.get("name", self._select if tag == "option" else "")
        form.names.add(name)
        if tag == "select":
            self._select = name
        sent = (tag == "input" and _is_sent(has)) or (tag == "option" and "selected" in has)
        if name and sent:
            form.fields.append((name, has.get("value", "on" if has.get("type") == "checkbox" else "")))


def _is_sent(has: dict[str, str]) -> bool:
    kind = has.get("type", "text")
    return "checked" in has if kind in ("checkbox", "radio") else kind not in ("submit", "button", "image", "reset")


@dataclass
class Browser:
    """`origin`: of the issuer. Whatever is elsewhere is not asked: codes end up there, and nobody is there."""

    origin: str
    transport: Transport
    cookies: dict[str, str] = field(default_factory=dict)
    flags: dict[str, str] = field(default_factory=dict)  # what each cookie was set with, as it was written
    at: str = ""  # the address of the page

    def get(self, address: str) -> Answer:
        return self._ask("GET", address)

    def post(self, address: str, form: Pairs) -> Answer:
        return self._ask("POST", address, urlencode(form).encode())

    def send(self, page: Answer, form: Form, **typed: str) -> Answer:
        return self.post(urljoin(self.at, form.action), form.filled(**typed))

    def submit(self, page: Answer, needs: str, **typed: str) -> Answer:
        """Fill in the form of this page that has such a field, and go where that leads."""
        return self.led_on(self.send(page, form_with(page, needs), **typed))

    def led_on(self, answer: Answer) -> Answer:
        """Follow what stays with the issuer. The last answer leads elsewhere, or is a page."""
        for _step in range(STEPS):
            target = urljoin(self.at, answer.location) if answer.location else ""
            if not self.is_ours(target):
                return answer
            answer = self.get(target)
        raise Wrong(f"more than {STEPS} redirects, one after the other")

    def is_ours(self, address: str) -> bool:
        there = urlsplit(address)
        return f"{there.scheme}://{there.netloc}" == self.origin

    def _ask(self, method: str, address: str, body: bytes | None = None) -> Answer:
        there = urlsplit(urljoin(f"{self.origin}/", address))
        target = (there.path or "/") + (f"?{there.query}" if there.query else "")
        headers = {"Accept": "text/html", "Accept-Language": "en"}
        if self.cookies:
            headers["Cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        if body is not None:
            headers |= {"Content-Type": FORM, "Origin": self.origin, "Referer": self.at or self.origin}
        answer = self.transport.send(Request(method, target, headers, body))
        self.at = f"{self.origin}{target}"
        for one in answer.every("Set-Cookie"):
            self._keep(one)
        return answer

    def _keep(self, header: str) -> None:
        try:
            read = SimpleCookie(header)
        except CookieError:
            return
        for name, one in read.items():
            if one["max-age"] == "0" or not one.value:
                self.cookies.pop(name, None)
            else:
                self.cookies[name], self.flags[name] = one.value, header.partition(";")[2].lower()


def forms(page: Answer) -> list[Form]:
    return Forms(page.text).found


def form_with(page: Answer, needs: str) -> Form:
    """The first form that is POSTed with a field of this name."""
    for form in forms(page):
        if form.method == "post" and needs in form.names:
            return form
    raise Wrong(f"a page ({page.status}) without the form that was to be there")


def asks(page: Answer, needs: str) -> bool:
    return page.status == 200 and any(form.method == "post" and needs in form.names for form in forms(page))


def parameters(address: str) -> dict[str, str]:
    """What an app gets with a redirect, in the query or after the `#`."""
    there = urlsplit(address)
    return dict(parse_qsl(there.query) + parse_qsl(there.fragment))
