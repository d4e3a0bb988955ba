"""One run: the installation, the apps and the person that its checks send requests with."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from urllib.parse import urlsplit

from idp.conformance import NotApplicable, Wrong
from idp.conformance.app import App, Provider
from idp.conformance.browser import Browser, asks
from idp.conformance.http import Answer
from idp.conformance.scene import Scene

Nothing = Callable[[], None]
NOBODY = "Nobody could sign in, so this could not be looked at: see safety-sign-in."
SOON = 5.0  # seconds within which what an operator ended has to have ended on every server
POLL = 0.2
rest = time.sleep


@dataclass
class Run:
    provider: Provider
    scene: Scene
    disable: Callable[[str], None]  # a client, by its id
    deactivate: Nothing  # the person
    grace: int = 30  # seconds in which an app may repeat a request whose answer it lost
    unusual: frozenset[str] = frozenset()  # what settings for old apps let through
    _nobody: bool = False

    def app(self, name: str, *, by_form: bool = False) -> App:
        client_id = self.scene.client_id(name)
        uri = f"https://{name}.{self.scene.host}/cb"
        return App(self.provider, client_id, uri, self.scene.secrets.get(client_id, ""), by_form)

    @cached_property
    def web(self) -> App:
        return self.app("web")

    @cached_property
    def other(self) -> App:
        return self.app("other")

    @cached_property
    def public(self) -> App:
        return self.app("public")

    @cached_property
    def jwt(self) -> App:
        return self.app("jwt")

    # --- The person --------------------------------------------------------------------------------------------------

    @cached_property
    def browser(self) -> Browser:
        """Signed in, and shared by the checks that leave it so."""
        return self.new_browser()

    def new_browser(self) -> Browser:
        """Another one, signed in. Raises NotApplicable: nobody can sign in here."""
        if self._nobody:
            raise NotApplicable(NOBODY)
        browser = self.provider.browser()
        try:
            self.sign_in(browser)
        except Wrong:
            self._nobody = True
            raise NotApplicable(NOBODY) from None
        return browser

    def sign_in(self, browser: Browser, address: str = "") -> Answer:
        """By the form, as people do. Raises Wrong: they are not signed in then."""
        page = browser.led_on(browser.get(address or f"{self.provider.issuer}/accounts/login/"))
        answer = browser.submit(page, "password", login=self.scene.username, password=self.scene.password)
        if asks(answer, "password"):
            raise Wrong("the sign-in form once more, with the right password")
        return answer

    def prove_again(self, browser: Browser, page: Answer) -> Answer:
        """Give the password once more, where a page asks for it."""
        if not asks(page, "password"):
            raise Wrong("no page that asks for the password")
        return browser.submit(page, "password", password=self.scene.password)

    # --- Waiting -----------------------------------------------------------------------------------------------------

    def pause(self, seconds: float) -> None:
        rest(seconds)

    def wait_for_next_second(self) -> None:
        """Times in tokens are whole seconds."""
        self.pause(1.0 - time.time() % 1.0 + 0.05)

    def soon(self, so: Callable[[], bool]) -> bool:
        """Whether it comes true in time: servers remember what they know of clients for a moment."""
        until = time.monotonic() + SOON
        while not so():
            if time.monotonic() > until:
                return False
            self.pause(POLL)
        return True

    # --- What is sent ------------------------------------------------------------------------------------------------

    def path(self, path: str) -> str:
        return f"{self.provider.issuer}{path}"

    @property
    def issuer_path(self) -> str:
        return urlsplit(self.provider.issuer).path

    @staticmethod
    def unknown() -> str:
        return secrets.token_urlsafe(24)
