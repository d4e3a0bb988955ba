"""A good file: what it stores, and that it can be applied again and again."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from allauth.account.models import EmailAddress

from accounts.groups import group_names
from accounts.models import AccountEvent, AccountEventKind, SignIn, User
from clients import secrets
from clients.models import AudienceEntry, Client, ClientSecret, SecurityEvent
from clients.rules import TOKEN_EXCHANGE
from idp.configuration import ConfigurationError, apply
from idp.configuration.schema import SECTIONS
from projects.models import Api, ApiScope, Project
from tests.idp.configuration import EXAMPLE, SMALL, changed

pytestmark = pytest.mark.django_db


def as_sentences(report: Any) -> list[str]:
    return [str(change) for change in report.drift]


def test_the_example_uses_every_key_that_can_stand_together() -> None:
    missing = {name for section in SECTIONS for name in section.keys if f"{name}:" not in EXAMPLE}
    assert missing == {"client_secret_from", "jwks_uri"}


def test_everything_in_the_example_is_stored() -> None:
    apply(EXAMPLE)

    user = User.objects.get(username="demo")
    assert user.check_password("correct horse battery staple")
    assert (user.email, user.email_verified, user.first_name, user.last_name) == (
        "demo@orchard.example",
        True,
        "Demo",
        "User",
    )
    assert (user.is_active, user.is_staff, user.is_superuser) == (True, False, False)
    assert user.attributes == {
        "phone_number": "+1 555 0100",
        "address": {"formatted": "1 Main St, Springfield"},
        "locale": "en-US",
        "department": "Pruning",
    }
    assert group_names(user.pk) == ("staff",)

    orchard, harbour = Project.objects.get(key="orchard"), Project.objects.get(key="harbour")
    assert (orchard.name, orchard.consent_mode, orchard.cross_client, orchard.status) == (
        "Orchard",
        "explicit",
        "same_project",
        "production",
    )
    assert [*orchard.test_users.all()] == [user]
    assert [(member.user, member.role) for member in orchard.members.all()] == [(user, "owner")]
    screen = orchard.consent_screen
    assert (screen.app_name, screen.support_email) == ("Orchard", "help@orchard.example")
    assert (screen.homepage_uri, screen.policy_uri, screen.tos_uri) == (
        "https://www.orchard.example/",
        "https://www.orchard.example/privacy",
        "https://www.orchard.example/terms",
    )

    api = Api.objects.get()
    assert (api.project, api.identifier, api.name) == (orchard, "https://api.orchard.example/orders", "Orders")
    assert (api.description, api.token_format, api.token_lifetime) == (
        "What you ordered and where it is",
        "inherit",
        1800,
    )
    assert (api.shared, [*api.shared_with.all()]) == ("listed", [harbour])
    assert {scope.name: (scope.description, scope.sensitive) for scope in api.scopes.all()} == {
        "orders.read": ("See your orders", False),
        "orders.write": ("Place and change orders", True),
    }


def test_every_field_of_a_client_is_stored() -> None:
    report = apply(EXAMPLE)
    web, phone, shop = (Client.objects.get(client_id=name) for name in ("orchard-web", "orchard-phone", "harbour-shop"))
    expected = {
        "name": "Orchard on the web",
        "client_type": "confidential",
        "token_endpoint_auth_method": "client_secret_basic",
        "grant_types": ["authorization_code", "refresh_token", "client_credentials", TOKEN_EXCHANGE],
        "redirect_uris": "https://www.orchard.example/callback",
        "post_logout_redirect_uris": "https://www.orchard.example/",
        "backchannel_logout_uri": "https://www.orchard.example/logout",
        "scope": "openid profile email offline_access orders.read",
        "introspection": "listed",
        "access_token_format": "opaque",
        "access_token_lifetime": 3600,
        "id_token_lifetime": 3600,
        "refresh_token_lifetime": None,
        "refresh_token_idle_lifetime": 2592000,
        "id_token_signed_response_alg": "RS256",
        "require_pkce": True,
        "rotate_refresh_tokens": False,
        "cross_client_public": False,
        "enabled": True,
    }
    assert {name: getattr(web, name) for name in expected} == expected
    assert web.home.key == "orchard"
    assert [*web.introspects.all()] == [shop]
    assert [*web.acts_for.all()] == [Api.objects.get()]
    assert [*web.allowed_callers.all()] == [phone]
    assert [(row.value, row.mode, row.default) for row in web.audience_entries.all()] == [
        ("https://api.orchard.example/orders", "prefix", False),
        ("https://files.example/orchard", "exact", True),
    ]
    assert secrets.matches("any characters: 100% + ünïcode & spaces", web.secrets.get().digest)

    assert (phone.client_type, phone.token_endpoint_auth_method) == ("public", "none")
    assert (phone.require_pkce, phone.rotate_refresh_tokens, phone.introspection) == (True, True, "none")
    assert phone.cross_client_public
    assert not phone.secrets.exists()

    assert [*report.generated_secrets] == ["harbour-shop", "webhook orchard https://hooks.orchard.example/vestibule"]
    assert secrets.matches(report.generated_secrets["harbour-shop"], shop.secrets.get().digest)


def test_applying_twice_changes_nothing() -> None:
    first = apply(EXAMPLE)
    assert first.changed
    rows = [*ClientSecret.objects.values(), *AudienceEntry.objects.values(), *User.objects.values()]
    second = apply(EXAMPLE)
    assert as_sentences(second) == []
    assert not second.changed
    assert second.generated_secrets == {}
    assert len(second.changes) == len(first.changes)
    assert [*ClientSecret.objects.values(), *AudienceEntry.objects.values(), *User.objects.values()] == rows


def test_a_mapping_is_as_good_as_text() -> None:
    apply(EXAMPLE)
    assert not apply(yaml.safe_load(EXAMPLE)).changed


def test_a_bare_off_is_understood_although_yaml_reads_it_as_false() -> None:
    text = changed(SMALL, "name: Acme\n", "name: Acme\n    cross_client: off\n")
    apply(text)
    assert Project.objects.get().cross_client == "off"
    assert not apply(text).changed


def test_what_a_member_disabled_and_the_file_too_is_held() -> None:
    """Else the member enables it again, although the file says that it is not."""
    apply(SMALL)
    Client.objects.update(enabled=False)
    text = changed(SMALL, "        scope: openid\n", "        scope: openid\n        enabled: false\n")
    assert as_sentences(apply(text)) == ["updated client web: enabled"]
    assert Client.objects.get().held
    assert not apply(text).changed
    assert as_sentences(apply(changed(text, "enabled: false", "enabled: true"))) == ["updated client web: enabled"]
    assert not Client.objects.get().disabled_by_superuser


def test_a_report_names_each_object_and_the_keys_that_changed() -> None:
    apply(SMALL)
    text = changed(SMALL, "scope: openid", "scope: openid email\n        client_name: Web")
    text = changed(text, "See your orders", "Look at your orders")
    assert as_sentences(apply(text)) == [
        "updated API https://api.acme.example/orders: scopes",
        "updated client web: client_name, scope",
    ]


def test_a_key_that_is_absent_leaves_what_is_stored() -> None:
    apply(EXAMPLE)
    before: Any = Client.objects.filter(client_id="orchard-web").values().get()
    apply({"version": 1, "projects": [{"id": "orchard", "clients": [{"client_id": "orchard-web", "enabled": False}]}]})
    after: Any = Client.objects.filter(client_id="orchard-web").values().get()
    different = {name for name in before if before[name] != after[name]}
    assert different == {"enabled", "disabled_by_superuser", "tokens_not_before", "updated"}, "and who disabled it"
    web = Client.objects.get(client_id="orchard-web")
    assert web.audience_entries.count() == 2
    assert web.introspects.count() == web.acts_for.count() == web.allowed_callers.count() == 1
    assert Project.objects.get(key="orchard").members.count() == 1


def test_what_the_file_does_not_name_is_left_alone() -> None:
    apply(EXAMPLE)
    apply(SMALL)
    assert Client.objects.count() == 4
    assert Project.objects.count() == 3


def test_lists_become_exactly_what_the_file_says() -> None:
    apply(EXAMPLE)
    apply(
        {
            "version": 1,
            "projects": [
                {
                    "id": "orchard",
                    "test_users": [],
                    "members": {"owners": [], "viewers": ["demo"]},
                    "apis": [
                        {
                            "identifier": "https://api.orchard.example/orders",
                            "scopes": {"orders.list": "List"},
                            "shared": "private",
                        }
                    ],
                    "clients": [
                        {
                            "client_id": "orchard-web",
                            "redirect_uris": ["https://new.orchard.example/cb", "https://www.orchard.example/callback"],
                            "audience": ["https://files.example/other"],
                            "introspects": [],
                            "acts_for": [],
                            "allowed_callers": [],
                        }
                    ],
                },
                {"id": "harbour", "clients": [{"client_id": "harbour-shop", "audience": []}]},
            ],
        }
    )
    orchard, web = Project.objects.get(key="orchard"), Client.objects.get(client_id="orchard-web")
    assert not orchard.test_users.exists()
    assert [member.role for member in orchard.members.all()] == ["viewer"]
    api = orchard.apis.get()
    assert [scope.name for scope in api.scopes.all()] == ["orders.list"]
    assert (api.shared, api.shared_with.count()) == ("private", 0)
    assert web.redirect_uri_list == ["https://new.orchard.example/cb", "https://www.orchard.example/callback"]
    assert [row.value for row in web.audience_entries.all()] == ["https://files.example/other"]
    assert not web.introspects.exists()
    assert not web.acts_for.exists()
    assert not web.allowed_callers.exists()


def test_roles_the_file_does_not_name_keep_their_people() -> None:
    editor = User.objects.create(username="editor")
    apply(SMALL)
    project = Project.objects.get()
    project.members.create(user=editor, role="editor")
    apply(changed(SMALL, "name: Acme\n", "name: Acme\n    members: {owners: [demo]}\n"))
    assert {(one.user.username, one.role) for one in project.members.all()} == {("demo", "owner"), ("editor", "editor")}


def test_projects_may_name_what_stands_further_down() -> None:
    text = """\
version: 1
projects:
  - id: first
    name: First
    clients:
      - {client_id: watcher, introspection: listed, introspects: [late], acts_for: ["https://api.second.example"],
         audience: ["https://api.second.example/things"]}
  - id: second
    name: Second
    apis: [{identifier: "https://api.second.example", name: Second, shared: [first]}]
    clients: [{client_id: late}]
"""
    apply(text)
    watcher = Client.objects.get(client_id="watcher")
    assert [one.client_id for one in watcher.introspects.all()] == ["late"]
    assert watcher.audience_entries.get().value == "https://api.second.example/things"
    assert not apply(text).changed


def test_an_e_mail_address_is_kept_as_sign_up_keeps_it() -> None:
    text = changed(SMALL, "email: demo@acme.example", "email: Demo@ACME.example\n    email_verified: true")
    apply(text)
    assert User.objects.get().email == "demo@acme.example"
    assert User.objects.get().email_verified
    assert not apply(text).changed


def test_a_new_e_mail_address_is_unverified_and_the_old_one_signs_nobody_in() -> None:
    apply(changed(SMALL, "email: demo@acme.example", "email: demo@acme.example\n    email_verified: true"))
    apply(changed(SMALL, "demo@acme.example", "new@acme.example"))
    assert [*EmailAddress.objects.values_list("email", "primary", "verified")] == [("new@acme.example", True, False)]
    assert not User.objects.get().email_verified


def test_a_user_without_a_password_cannot_sign_in_with_one() -> None:
    apply({"version": 1, "users": [{"username": "quiet"}]})
    assert not User.objects.get().has_usable_password()


def test_a_password_is_set_only_when_it_differs() -> None:
    apply(SMALL)
    stored = User.objects.get().password
    apply(SMALL)
    assert User.objects.get().password == stored
    report = apply(changed(SMALL, "secret words", "other words"))
    assert as_sentences(report) == ["updated user demo: password"]
    assert User.objects.get().check_password("other words")


@pytest.mark.parametrize(("old", "new"), [("secret words", "other words"), ("email: demo", "is_active: false # ")])
def test_a_new_password_or_a_closed_account_ends_every_sign_in(old: str, new: str) -> None:
    apply(SMALL)
    row = SignIn.objects.create(user=User.objects.get())
    apply(SMALL)
    row.refresh_from_db()
    assert row.ended_at is None
    apply(changed(SMALL, old, new))
    row.refresh_from_db()
    assert row.ended_at is not None


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("secret words", "other words", [AccountEventKind.PASSWORD_REPLACED]),
        ("demo@acme.example", "new@acme.example", [AccountEventKind.EMAIL_CHANGED]),
        ("demo@acme.example", '""', [AccountEventKind.EMAIL_REMOVED]),
        ("demo@acme.example", "Demo@acme.example", []),
        ("email: demo", "given_name: Robin # ", [AccountEventKind.PROFILE_CHANGED]),
        ("email: demo", "is_active: false # ", [AccountEventKind.DEACTIVATED]),
    ],
)
def test_people_read_what_a_file_changed(old: str, new: str, told: list[AccountEventKind]) -> None:
    """As they read what the console changed. A new account has nothing to tell."""
    apply(SMALL)
    text = changed(SMALL, old, new)
    apply(text, dry_run=True)
    assert not AccountEvent.objects.exists()
    apply(text)
    apply(text)
    sub = str(User.objects.get().sub)
    assert [*AccountEvent.objects.values_list("kind", "sub", "address")] == [(kind, sub, "") for kind in told]


def test_what_was_applied_is_on_record_without_its_values() -> None:
    apply(SMALL, path="acme.yaml", dry_run=True)
    assert not SecurityEvent.objects.exists()
    apply(SMALL, path="acme.yaml")
    apply(SMALL, path="acme.yaml")
    event = SecurityEvent.objects.get(kind="configuration.applied")
    assert event.detail == {
        "source": "acme.yaml",
        "changes": [
            "created user demo",
            "created project acme",
            "created API https://api.acme.example/orders",
            "created client web",
        ],
    }


def test_a_dry_run_reports_everything_and_stores_nothing() -> None:
    report = apply(EXAMPLE, dry_run=True)
    assert as_sentences(report) == [
        "created attribute department",
        "updated attribute nickname: editable_by",
        "created group staff",
        "created user demo",
        "created project orchard",
        "created project harbour",
        "created role orchard/admin",
        "created API https://api.orchard.example/orders",
        "created client orchard-web",
        "created client orchard-phone",
        "created client harbour-shop",
        "created webhook orchard https://hooks.orchard.example/vestibule",
        "created connector orchard-staff",
    ]
    assert report.generated_secrets == {}
    assert not User.objects.exists()
    assert not Project.objects.exists()
    assert not Client.objects.exists()


def test_one_problem_leaves_everything_as_it_was() -> None:
    text = changed(
        EXAMPLE, "audience: [https://api.orchard.example/orders/harbour]", "acts_for: [https://nobody.example]"
    )
    with pytest.raises(ConfigurationError):
        apply(text)
    assert not User.objects.exists()
    assert not EmailAddress.objects.exists()
    assert not Project.objects.exists()
    assert not ClientSecret.objects.exists()


def test_a_scope_says_once_that_it_is_sensitive_and_stays_so_until_the_file_says_otherwise() -> None:
    sensitive = changed(SMALL, "orders.read: See your orders", "orders.read: {description: See, sensitive: true}")
    assert apply(sensitive).changed
    assert ApiScope.objects.get().sensitive
    assert not apply(sensitive).changed
    apply(SMALL)
    assert (ApiScope.objects.get().description, ApiScope.objects.get().sensitive) == ("See your orders", True)
    report = apply(changed(sensitive, "sensitive: true", "sensitive: false"))
    assert "updated API https://api.acme.example/orders: scopes" in as_sentences(report)
    assert not ApiScope.objects.get().sensitive


# --- Attributes and groups -----------------------------------------------------------------------------------------

DIRECTORY = """
version: 1
attributes: [{name: tags, type: list, editable_by: import}, {name: hours, type: number}]
groups: [{name: Staff, description: Who works here}, {name: crew}]
users: [{username: olive, attributes: {tags: [a, b], hours: 38.5, nickname: Ollie}, groups: [staff]}]
"""


def test_attributes_and_groups_become_what_the_file_says() -> None:
    assert apply(DIRECTORY).changed
    assert not apply(DIRECTORY).changed
    olive = User.objects.get()
    assert olive.attributes == {"tags": ["a", "b"], "hours": 38.5, "nickname": "Ollie"}
    assert group_names(olive.pk) == ("Staff",)
    apply("version: 1\nusers: [{username: olive, attributes: {nickname: null, locale: fr}, groups: [CREW]}]")
    olive.refresh_from_db()
    assert olive.attributes == {"tags": ["a", "b"], "hours": 38.5, "locale": "fr"}, "what it does not name stays"
    assert group_names(olive.pk) == ("crew",)
    told = AccountEvent.objects.filter(sub=olive.sub, kind="profile.changed").values_list("detail", flat=True)
    assert [(one["by"], one["changed"]) for one in told] == [("configuration file", ["locale", "nickname"])]


def test_another_type_says_how_many_people_lose_a_value() -> None:
    apply(DIRECTORY)
    report = apply("version: 1\nattributes: [{name: tags, type: text}]", dry_run=True)
    assert as_sentences(report) == ["updated attribute tags: type with 1 person"]
    assert "tags" in User.objects.get().attributes
    apply("version: 1\nattributes: [{name: tags, type: text}]")
    assert "tags" not in User.objects.get().attributes


@pytest.mark.any_database
@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("attributes: [{name: sub}]", "2: attributes[0].name: This name means something in tokens or in an account"),
        ("attributes: [{name: a, type: url}]", "2: attributes[0].type: The type is one of: text,"),
        ("attributes: [{name: a, type: json}]", "2: attributes[0].type: 'json' is not known here."),
        ("attributes: [{name: a}, {name: A}]", "2: attributes[1].name: The attribute 'a' is in this file twice."),
        (
            "attributes: [{name: a, position: 1.5}]",
            "2: attributes[0].position: This must be a whole number, not a fraction",
        ),
        ("groups: [{name: ''}]", "2: groups[0].name: A group needs a name."),
        ("groups: [{name: a}, {name: A}]", "2: groups[1].name: The group 'a' is in this file twice."),
        ("users: [{username: o, groups: [x]}]", "2: users[0].groups[0]: There is no group 'x'."),
        ("users: [{username: o, attributes: {x: 1}}]", "2: users[0].attributes.x: There is no attribute of this name."),
        ("users: [{username: o, attributes: {locale: 1}}]", "2: users[0].attributes.locale: This must be text."),
        (
            "users: [{username: o, attributes: []}]",
            "2: users[0].attributes: This must be a mapping of names",
        ),
    ],
)
def test_what_cannot_be_of_attributes_and_groups_is_told_with_its_place(text: str, told: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        apply(f"version: 1\n{text}", path="a.yaml")
    assert f"a.yaml:{told}" in str(refused.value)
    assert not User.objects.exists()
