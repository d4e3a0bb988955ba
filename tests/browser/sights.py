"""Every page there is: who looks at it, at which address, and what they do there first.

`UNSEEN` says why the other addresses have no page to look at.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

from django.template import Template
from django.test.signals import template_rendered
from django.urls import URLPattern, URLResolver, resolve, reverse
from playwright.sync_api import Page

from clients import keys as client_keys
from clients import webhooks
from clients.models import Client, ClientSecret, RefusedRequest, Stream
from clients.models.stream import DeliveryMethod
from clients.webhooks import WebhookMetadata
from idp import urls
from idp.settings import BASE_DIR
from projects.actors import Actor
from projects.models import Api, Project
from provider.endpoints.device import page_of
from provider.protocol.device import typed
from provider.telling import sets
from tests.browser.scene import AFTER_LOGOUT, WIDE, Scene, cookie
from tests.foreign_keys import KEYS, public
from tests.world import CHALLENGE, ORDERS, WEB_CB

OPERATOR = Actor.operator("sights")


@dataclass(frozen=True)
class Sight:
    """A page. `who` is a key of Scene.sessions, or nobody."""

    name: str
    address: str
    who: str = ""
    status: int = 200
    act: Callable[[Page], None] | None = None
    signup_open: bool = True


UNSEEN = {
    "mfa_list_webauthn": "leads on to mfa_index",
    "mfa_login_webauthn": "answers a script, and takes a form of the sign-in page",
    "mfa_download_recovery_codes": "a text file",
    "client_logo": "a picture",
    "project_logo": "a picture",
    "consent": "takes the form that authorize shows",
    "consent_answer": "leads on to an app, back from the page of a project",
    "account_guest_end": "takes the form of account_apps",
    "upstream_logout": "is told by a provider, and answers it",
    "upstream_metadata": "XML for a provider of SAML",
    "confirm_end_session": "takes the form that end_session shows",
    "invitation": "is where invitation_link leads, and is seen there",
    "invitation_done": "leads on to the home page of a project, or to account_apps",
}
UNSEEN_TEMPLATES = {
    "elsewhere.html": "is shown for guests, of which there is none here",
    "leading_on.html": "leads on to an app at once",
    "account/invitation_done.html": "leads on to the home page of a project at once",
    "form_post.html": "leads on to an app at once, or by its button",
    "upstream/leading_on.html": "leads on to another provider at once",
    "upstream/posted_again.html": "leads on by itself, back from a provider of SAML",
}


def sights(scene: Scene) -> list[Sight]:
    people = [*_of_nobody(scene), *_on_the_way(scene), *_of_a_device(scene), *_of_the_account(), *_of_two_steps(scene)]
    return [*people, *_when_it_fails()]


def authorize(**more: Any) -> str:
    query = {"response_type": "code", "client_id": "web", "redirect_uri": WEB_CB, "scope": WIDE}
    query |= {"code_challenge": CHALLENGE, "code_challenge_method": "S256", **more}
    return "/oauth2/authorize?" + urlencode(query, doseq=True)


def _of_nobody(scene: Scene) -> list[Sight]:
    return [
        Sight("welcome", "/"),
        Sight("sign-in", "/accounts/login/"),
        Sight("sign-in-refused", "/accounts/login/", act=_guess),
        Sight("sign-up", "/accounts/signup/"),
        Sight("sign-up-closed", "/accounts/signup/", signup_open=False),
        Sight("sign-up-mail-sent", "/accounts/confirm-email/"),
        Sight("verify-address", scene.confirm_link("olive.owner@work.example")),
        Sight("verify-address-expired", "/accounts/confirm-email/damaged/"),
        Sight("account-inactive", "/accounts/inactive/"),
        Sight("reset", "/accounts/password/reset/"),
        Sight("reset-mail-sent", "/accounts/password/reset/done/"),
        Sight("reset-new-password", scene.reset_link()),
        Sight("reset-expired", "/accounts/password/reset/key/1-damaged/"),
        Sight("reset-done", "/accounts/password/reset/key/done/"),
        Sight("invitation", scene.invitation_link("guest@new.example"), act=_wait),
        Sight("invitation-over", "/accounts/invitation/damaged/", status=404),
        Sight("signed-out", "/oauth2/logout"),
        Sight("sign-in-elsewhere", "/accounts/from/corp/"),
        Sight("sign-in-directory", "/accounts/from/tree/"),
        Sight("sign-in-elsewhere-refused", "/accounts/from/corp/callback", status=400),
        Sight("signed-out-for-app", f"/oauth2/logout?{urlencode(_LEAVING)}"),
    ]


def _wait(page: Page) -> None:
    page.locator("h1").wait_for()


PICKY_CB = "https://picky.acme.example/cb"
_LEAVING = {"client_id": "web", "post_logout_redirect_uri": AFTER_LOGOUT}


def _guess(page: Page) -> None:
    page.locator("#id_login").fill("olive")
    page.locator("#id_password").fill("a guess")
    page.locator("#id_password").press("Enter")
    page.get_by_role("alert").wait_for()


def _on_the_way(scene: Scene) -> list[Sight]:
    """Between an app and the account."""
    wide = authorize(audience=["sibling", ORDERS, "urn:acme:queue"])
    return [
        Sight("second-step", "/accounts/two-step/sign-in/", "half way"),
        Sight("consent", wide, "outsider"),
        Sight("consent-more", wide, "owner"),
        Sight(
            "no-access",
            authorize(client_id="picky", redirect_uri="https://picky.acme.example/cb"),
            "member",
            status=403,
        ),
        Sight("switch-account", "/accounts/switch/", "owner"),
        Sight("invitation-of-another", scene.invitation_link("kim@new.example"), "outsider", act=_wait),
        Sight("confirm-password", "/accounts/reauthenticate/", "owner"),
        Sight("confirm-elsewhere", "/accounts/linked/confirm/", "owner"),
        Sight("confirm-code", "/accounts/two-step/confirm/", "owner"),
        Sight("confirm-passkey", "/accounts/passkeys/confirm/", "owner"),
        Sight("sign-out-for-app", f"/oauth2/logout?{urlencode(_LEAVING)}", "owner"),
        Sight("sign-out-for-some-app", "/oauth2/logout", "owner"),
    ]


def _of_a_device(scene: Scene) -> list[Sight]:
    return [
        Sight("device", "/device"),
        Sight("device-wrong", "/device", act=_mistype),
        Sight("device-filled-in", f"/device?user_code={scene.device.code}"),
        Sight("device-confirm", page_of(typed(scene.device.code)), "outsider"),
        Sight("device-done", "/device/done", "owner"),
        Sight("device-denied", "/device/done?denied=1", "owner"),
    ]


def _mistype(page: Page) -> None:
    page.locator("#user_code").fill("bcdf-ghjk")
    page.locator("#user_code").press("Enter")
    page.get_by_role("alert").wait_for()


def _of_the_account() -> list[Sight]:
    remove = "/accounts/apps/acme/remove/"
    return [
        Sight("home", "/", "owner"),
        Sight("profile", "/accounts/profile/", "owner"),
        Sight("email", "/accounts/email/", "owner"),
        Sight("security", "/accounts/security/", "owner"),
        Sight("sessions", "/accounts/sessions/", "owner"),
        Sight("linked", "/accounts/linked/", "owner"),
        Sight("linked-none", "/accounts/linked/", "member"),
        Sight("mails", "/accounts/mails/", "owner"),
        Sight("activity", "/accounts/activity/", "owner"),
        Sight("apps", "/accounts/apps/", "owner"),
        Sight("apps-none", "/accounts/apps/", "outsider"),
        Sight("app", "/accounts/apps/acme/", "owner"),
        Sight("app-of-the-house", "/accounts/apps/house/", "owner"),
        Sight("app-remove", remove, "owner"),
        Sight("app-remove-audience", f"{remove}?{urlencode({'audience': ORDERS})}", "owner"),
        Sight("password-change", "/accounts/password/change/", "owner"),
        Sight("password-set", "/accounts/password/set/", "outsider"),
        Sight("sign-out", "/accounts/logout/", "owner"),
        Sight("delete", "/accounts/delete/", "member"),
        Sight("delete-not-yet", "/accounts/delete/", "owner"),
    ]


def _of_two_steps(scene: Scene) -> list[Sight]:
    passkey = f"/accounts/passkeys/{scene.passkey.pk}"
    return [
        Sight("two-step", "/accounts/two-step/", "owner"),
        Sight("two-step-off", "/accounts/two-step/", "member"),
        Sight("totp-set-up", "/accounts/two-step/app/", "member"),
        Sight("totp-turn-off", "/accounts/two-step/app/remove/", "owner"),
        Sight("passkey-add", "/accounts/passkeys/add/", "owner"),
        Sight("passkey-rename", f"{passkey}/rename/", "owner"),
        Sight("passkey-remove", f"{passkey}/remove/", "owner"),
        Sight("recovery-codes", "/accounts/recovery-codes/", "owner"),
        Sight("recovery-codes-new", "/accounts/recovery-codes/new/", "owner"),
    ]


_USED_UP = {"client_id": "web", "request_uri": "urn:ietf:params:oauth:request_uri:gone"}


def _when_it_fails() -> list[Sight]:
    """The page of a failure is the site's own; tests/idp/page_urls.py has an address that fails."""
    broken = authorize(redirect_uri="https://web.acme.example/callback")
    return [
        Sight("error", broken, status=400),
        Sight("error-explained", broken, "root", status=400),
        Sight("error-used-up", f"/oauth2/authorize?{urlencode(_USED_UP)}", status=400),
        Sight("error-sign-out", f"/oauth2/logout?{urlencode(_LEAVING)}/elsewhere", "owner", status=400),
        Sight("not-found", "/nowhere/", "owner", status=404),
        Sight("failure", "/test/fail/", status=500),
    ]


def console_sights(scene: Scene) -> list[Sight]:
    """The main pages of the console, as its superuser sees them."""
    web = Client.objects.get(client_id="web").pk
    acme_project = Project.objects.get(key="acme")
    acme = acme_project.pk
    secret = ClientSecret.objects.get(client_id=web).pk
    audience = urlencode({"audience": f"{ORDERS}/7"})
    hook = webhooks.register(WebhookMetadata(url="https://hooks.acme.example/vestibule"), acme_project, OPERATOR)[0].pk
    stream = Stream.objects.create(client_id=web, method=DeliveryMethod.POLL, events_requested=list(sets.SUPPORTED)).pk
    sibling = Client.objects.get(client_id="sibling")
    sibling.acts_for.add(Api.objects.get(identifier=ORDERS))
    Client.objects.filter(pk=web).update(jwks=client_keys.settled({"keys": [public(KEYS["ES256"], kid="2026-11")]}))

    def sight(name: str, page: str, *args: Any, query: str = "", act: Callable[[Page], None] | None = None) -> Sight:
        return Sight(f"console-{name}", reverse(f"admin:{page}", args=args) + query, "root", act=act)

    return [
        sight("index", "index"),
        sight("search", "search", query="?q=acme"),
        sight("search-none", "search", query="?q=nothing"),
        sight("projects", "projects_project_changelist"),
        sight("invitations", "projects_invitation_changelist"),
        sight("invite", "projects_invitation_add"),
        sight("project", "projects_project_change", acme),
        sight("project-add", "projects_project_add"),
        sight("project-delete", "projects_project_delete", acme),
        sight("project-consent", "projects_project_consent", acme),
        sight("project-overview", "projects_project_overview", acme),
        sight("project-members", "projects_project_members", acme),
        sight("project-member", "projects_project_member", acme, acme_project.members.order_by("pk")[0].pk),
        sight("claims", "projects_project_claims", acme, query="?preset=groups"),
        sight("role-add", "projects_projectrole_add"),
        sight("api", "projects_api_change", Api.objects.get(identifier=ORDERS).pk),
        sight("api-callers", "projects_api_callers", Api.objects.get(identifier=ORDERS).pk),
        sight("audience-map", "projects_api_map", query="?project=acme"),
        sight("audience-map-of", "projects_api_map"),
        sight("clients", "clients_client_changelist"),
        sight("clients-chosen", "clients_client_changelist", act=_choose_apps),
        sight("clients-disable", "clients_client_changelist", act=_choose_to_disable),
        sight("clients-export", "clients_client_changelist", act=_choose_to_export),
        sight("export", "export"),
        sight("client", "clients_client_change", web),
        sight("client-access", "clients_client_access", web),
        sight("client-people", "clients_client_people", web),
        sight("client-remove-person", "clients_client_remove_person", web, scene.owner.sub),
        sight("client-activity", "clients_client_activity", web),
        sight("client-disable", "clients_client_switch", web),
        sight("client-history", "clients_client_history", web),
        sight("new-app", "clients_client_new", query="?project=acme"),
        sight("new-app-project", "clients_client_new"),
        sight("connect", "clients_client_connect", web),
        sight("connect-you", "clients_client_you", web),
        sight("audience", "clients_client_audience", web, query=f"?{audience}"),
        sight("secrets", "clients_client_secrets", web),
        sight("secret-revoke", "clients_client_revoke_secret", web, secret),
        sight("client-keys", "clients_client_keys", web),
        sight("client-key-remove", "clients_client_remove_key", web, KEYS["ES256"].thumbprint()),
        sight("secret-once", "clients_client_secrets", web, act=_make_secret),
        sight("initial-tokens", "clients_initialaccesstoken_changelist"),
        sight("initial-token-add", "clients_initialaccesstoken_add"),
        sight("webhooks", "clients_webhook_changelist"),
        sight("webhook-add", "clients_webhook_add"),
        sight("webhook", "clients_webhook_change", hook),
        sight("webhook-secrets", "clients_webhook_secrets", hook),
        sight("webhook-secret-once", "clients_webhook_secrets", hook, act=_make_secret),
        sight("deliveries", "clients_delivery_changelist"),
        sight("streams", "clients_stream_changelist"),
        sight("stream", "clients_stream_change", stream),
        sight("keys", "clients_signingkey_changelist"),
        sight("keys-rotate", "clients_signingkey_rotate"),
        sight("inspect", "inspect"),
        sight("inspected", "inspect", act=_inspect),
        sight("key-activate", "clients_signingkey_activate", scene.next_key.pk),
        sight("key-revoke", "clients_signingkey_revoke", scene.next_key.pk),
        sight("authorizations", "clients_authorization_changelist"),
        sight("authorizations-end", "clients_authorization_changelist", act=_choose_to_end),
        sight("activity", "activity", query="?days=all", act=_open_some),
        sight("activity-none", "activity", query="?q=nothing-of-this-kind"),
        sight("register-sent", "clients_client_register_sent", web, _refused_redirect().pk),
        sight("events", "clients_securityevent_changelist"),
        sight("people", "accounts_user_changelist"),
        sight("person", "accounts_user_person", scene.owner.pk),
        sight("people-deactivate", "accounts_user_changelist", act=_choose_to_deactivate),
        sight("person-history", "accounts_user_history", scene.owner.pk),
        sight("person-account", "accounts_user_change", scene.owner.pk),
        sight("person-remove", "accounts_user_person_act", scene.owner.pk, "remove", query="?of=acme"),
        sight("person-deactivate", "accounts_user_person_act", scene.owner.pk, "deactivate"),
        sight("groups", "accounts_group_changelist"),
        sight("group-add", "accounts_group_add"),
        sight("attributes", "accounts_attribute_changelist"),
        sight("attribute-add", "accounts_attribute_add"),
    ]


def _refused_redirect() -> RefusedRequest:
    now = datetime.now(UTC)
    told = "redirect_uri is not registered for this client. redirect_uri: https://web.acme.example/callback"
    same = {"client_id": "web", "endpoint": "authorize", "error": "invalid_request", "step": "channel"}
    at = {"hour": now.replace(minute=0, second=0, microsecond=0), "first_at": now, "last_at": now}
    return RefusedRequest.objects.create(**same, **at, description=told, count=14, request_ids="e6cf24e9")


def _open_some(page: Page) -> None:
    for one in page.locator(".happened summary").all()[:3]:
        one.click()


def _make_secret(page: Page) -> None:
    page.locator("form [type=submit].default").click()
    page.locator("#shown-secret").wait_for()


def _choose_to_end(page: Page) -> None:
    page.locator("input[name=_selected_action]").first.check()
    page.locator(".actions button[value=end]").click()
    page.locator("#end_form").wait_for()


def _inspect(page: Page) -> None:
    """A JWT of somebody else, which is all that is told of it."""
    page.locator("#id_token").fill(
        ".".join(("eyJhbGciOiJSUzI1NiJ9", "eyJpc3MiOiJodHRwczovL2Vsc2UuZXhhbXBsZSJ9", "AAAA"))
    )
    page.locator("#inspect_form [type=submit]").click()
    page.locator("#answer").wait_for()


def _choose_apps(page: Page) -> None:
    page.locator("input[name=_selected_action]").nth(0).check()
    page.locator("input[name=_selected_action]").nth(1).check()


def _choose_to_disable(page: Page) -> None:
    _choose_apps(page)
    page.locator(".actions button[value=disable]").click()
    page.locator("#many_form").wait_for()


def _choose_to_deactivate(page: Page) -> None:
    _choose_apps(page)
    page.locator(".actions button[value=deactivate]").click()
    page.locator("#many_form").wait_for()


def _choose_to_export(page: Page) -> None:
    _choose_apps(page)
    page.locator(".actions button[value=export]").click()
    page.locator("#export_form").wait_for()


def visit(page: Page, sight: Sight, scene: Scene, url: str, settings: Any) -> None:
    """Look at it, in a browser that is nobody's otherwise."""
    settings.IDP_SIGNUP_OPEN = sight.signup_open
    context = page.context
    context.clear_cookies()
    if sight.who:
        context.add_cookies([cookie(scene.sessions[sight.who], url)])
    answer = page.goto(f"{url}{sight.address}")
    assert answer is not None
    assert answer.status == sight.status, f"{sight.name}: {answer.status} at {page.url}"
    if sight.act:
        sight.act(page)
    else:
        assert answer.request.redirected_from is None or sight.name == "reset-new-password", f"{sight.name}: {page.url}"


# --- Nothing is missing ----------------------------------------------------------------------------------------------


def unvisited(seen: list[Sight]) -> set[str]:
    """Names of addresses for people that no sight leads to."""
    addresses = (sight.address.partition("?")[0] for sight in seen if sight.status != 404)
    return _names(urls.urlpatterns) - {resolve(address).url_name for address in addresses}


def _names(patterns: list[Any]) -> set[str]:
    found: set[str] = set()
    for one in patterns:
        if isinstance(one, URLResolver) and one.app_name != "admin":
            found |= _names(one.url_patterns)
        elif isinstance(one, URLPattern) and one.name:
            found.add(one.name)
    return found


class Rendered:
    """The templates that were rendered, by name, while listening."""

    def __init__(self) -> None:
        self.names: set[str] = set()

    def note(self, template: Template, **_: Any) -> None:
        self.names.add(str(template.name))

    def __enter__(self) -> Rendered:
        template_rendered.connect(self.note)
        return self

    def __exit__(self, *_: object) -> None:
        template_rendered.disconnect(self.note)


def page_templates() -> Iterator[str]:
    """Of people's pages: what has a title."""
    root = BASE_DIR / "templates"
    for file in sorted(root.rglob("*.html")):
        if "block head_title" in file.read_text() and file.name not in ("base.html", "reauthenticate_base.html"):
            yield str(file.relative_to(root))
