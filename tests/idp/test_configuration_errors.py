"""Every kind of mistake: one line that says where it is, what is wrong and what to do; and nothing is applied."""

from __future__ import annotations

import pytest
from allauth.account.models import EmailAddress

from accounts.models import User
from clients.models import Client, SecurityEvent
from idp.configuration import ConfigurationError, apply
from projects.events import CLIENT_DELETED
from projects.models import Project
from tests.idp.configuration import SMALL, changed

pytestmark = pytest.mark.django_db


CLIENT = "projects[0].clients[0]"
API = "projects[0].apis[0]"
# What is replaced in SMALL, by what, and the one line (after the file's name) that must come out.
MISTAKES = [
    # The file as a whole
    ("version: 1", "version: 2", "1: version: This version of the format is not known. Write 'version: 1'."),
    ("version: 1", "version: true", "1: version: This version of the format is not known. Write 'version: 1'."),
    ("version: 1\n", "", "1: version: This key is missing and needed."),
    ("version: 1", "version: 1\nprojekts: []", "2: projekts: Unknown key 'projekts'. Did you mean 'projects'?"),
    ("version: 1", "version: 1\nversion: 1", "2: version: This key is given twice. Keep one."),
    ("version: 1", "version: 1\n7: x", "2: A key must be text. Put it in quotes."),
    ("version: 1", "version: [1", "2: This is not valid YAML: expected ',' or ']', but got ':'."),
    ("version: 1", "version: 1\nusers:\n\t- a", "3: This is not valid YAML: there is a tab. Indent with spaces."),
    ("version: 1", "version: *one", "1: This is not valid YAML: found undefined alias 'one'."),
    ("version: 1", "version: 1\n---\nversion: 1", "2: This is not valid YAML: but found another document."),
    # Users
    ("  - username: demo\n    ", "  - ", "3: users[0].username: This key is missing and needed."),
    ("username: demo", "username: 7", "3: users[0].username: This must be text, not a number. Put it in quotes."),
    ("username: demo", "username: a b", "3: users[0].username: Enter a valid username."),
    (
        "username: demo",
        "username: demo\n  - username: DEMO",
        "4: users[1].username: The user 'demo' is in this file twice. Keep one.",
    ),
    ("password: secret words", 'password: ""', "4: users[0].password: This must not be empty. Leave the key out"),
    ("password: secret words", "password: 1234", "4: users[0].password: This must be text, not a number. Put it in"),
    ("password: secret words", r'password: "a\0b"', "4: users[0].password: This text has a character that cannot be"),
    ("demo@acme.example", "demo", "5: users[0].email: Enter a valid email address."),
    (
        "email: demo@acme.example",
        "email_verified: true",
        "5: users[0].email_verified: There is no e-mail address to verify.",
    ),
    (
        "email: demo@acme.example",
        "email: a@b.example\n  - {username: two, email: A@b.example}",
        "6: users[1].email: Another account has this e-mail address.",
    ),
    (
        "email: demo@acme.example",
        'is_staff: "yes"',
        "5: users[0].is_staff: This must be true or false, not text.",
    ),
    ("email: demo@acme.example", "mail: x", "5: users[0].mail: Unknown key 'mail'. Did you mean 'email'?"),
    ("email: demo@acme.example", "zzz: x", "5: users[0].zzz: Unknown key 'zzz'. Known here: username, password,"),
    ("email: demo@acme.example", "phone_number: 2020-01-01", "5: users[0].phone_number: This must be text, not a date"),
    (
        "email: demo@acme.example",
        f"address: {'x' * 501}",
        "5: users[0].address: This text is too long: at most 500 characters.",
    ),
    (
        "email: demo@acme.example",
        "attributes: {phone_number: 2020-01-01}",
        "5: users[0].attributes.phone_number: This must be text, not a date. Put it in quotes.",
    ),
    (
        "email: demo@acme.example",
        f"attributes: {{address: {'x' * 501}}}",
        "5: users[0].attributes.address: This text is too long: at most 500 characters.",
    ),
    # Projects
    ("id: acme", "id: Acme", "7: projects[0].id: Use lower case letters only."),
    ("id: acme", "id: not a key", "7: projects[0].id: Enter a valid"),
    ("    name: Acme\n", "", "7: projects[0].name: A value is needed here."),
    ("name: Acme", "name:", "8: projects[0].name: This must be text, not empty."),
    ("name: Acme", f"name: {'A' * 101}", "8: projects[0].name: Ensure this value has at most 100 characters"),
    (
        "name: Acme",
        "name: A\n    consent_mode: ask",
        "9: projects[0].consent_mode: 'ask' is not known here. Use one of: explicit",
    ),
    ("name: Acme", "name: Acme\n    test_users: [nobody]", "9: projects[0].test_users[0]: There is no user 'nobody'"),
    (
        "name: Acme",
        "name: Acme\n    members: {owners: [demo],\n              editors: [demo]}",
        "10: projects[0].members.editors[0]: This person has another role in this project already. Keep one.",
    ),
    (
        "name: Acme",
        "name: Acme\n    members: {owner: [demo]}",
        "9: projects[0].members.owner: Unknown key 'owner'. Did you mean 'owners'?",
    ),
    (
        "name: Acme",
        "name: Acme\n    consent_screen:\n      policy_uri: javascript:alert(1)",
        "10: projects[0].consent_screen.policy_uri: Enter a valid URL.",
    ),
    ("projects:\n", "projects:\n  - {id: acme, name: A}\n", "8: projects[1].id: The project 'acme' is in this file"),
    # APIs
    ("https://api.acme.example/orders", "orders", f"10: {API}.identifier: Use an absolute URI, such as"),
    ("https://api.acme.example/orders", "http://api.example", f"10: {API}.identifier: Use https; http is for loop"),
    ("https://api.acme.example/orders", "http://localhost:8000/x", f"10: {API}.identifier: The provider's own addr"),
    (
        "        name: Orders\n",
        "        name: Orders\n      - identifier: https://API.acme.example/orders/\n        name: Again\n",
        "12: projects[0].apis[1].identifier: The API 'https://api.acme.example/orders' is in this file twice.",
    ),
    ("orders.read: See your orders", "openid: Sign in", f"12: {API}.scopes.openid: This scope belongs to signing in"),
    ("orders.read: See your orders", "admin.read: All", f"12: {API}.scopes.admin.read: Scopes that start with 'admin."),
    ("orders.read: See your orders", "orders.read: ''", f"12: {API}.scopes.orders.read: A value is needed here."),
    (
        "orders.read: See your orders",
        "orders.read: 5",
        f"12: {API}.scopes.orders.read: This must be text",
    ),
    ("orders.read: See your orders", "orders.read: {}", f"12: {API}.scopes.orders.read.description: A value is needed"),
    (
        "orders.read: See your orders",
        "orders.read: {description: x, words: x}",
        f"12: {API}.scopes.orders.read.words: Unknown key",
    ),
    (
        "orders.read: See your orders",
        "orders.read: {description: x, sensitive: 'yes'}",
        f"12: {API}.scopes.orders.read.sensitive: This must be true or false",
    ),
    ("orders.read: See your orders", "'a b': x", f"12: {API}.scopes.a b: 'a b': A scope has visible ASCII characters"),
    ("{orders.read: See your orders}", "[orders.read]", f"12: {API}.scopes: This must be a mapping of scope names"),
    ("name: Orders", "name: Orders\n        shared: all", f"12: {API}.shared: Write 'private', 'public' or a list"),
    (
        "name: Orders",
        "name: Orders\n        shared: []",
        f"12: {API}.shared: An empty list shares this API with nobody",
    ),
    ("name: Orders", "name: Orders\n        shared: [nix]", f"12: {API}.shared[0]: There is no project 'nix'"),
    ("name: Orders", "name: Orders\n        token_lifetime: 0", f"12: {API}.token_lifetime: This must be 1 to"),
    # Clients
    ("client_id: web", "client_id: my web", f"14: {CLIENT}.client_id: A client ID has visible ASCII characters only"),
    (
        "client_id: web",
        "client_id: 6b8e4f3a-0d0b-4d1c-9a57-3c1c8f4f9a10",
        f"14: {CLIENT}.client_id: A client ID must not look like a UUID",
    ),
    ("client_id: web", "client_name: web", f"14: {CLIENT}.client_id: This key is missing and needed."),
    (
        "client_id: web",
        "client_id: web\n      - client_id: web",
        "15: projects[0].clients[1].client_id: The client 'web' is in this file twice. Keep one.",
    ),
    ("a given secret", '""', f"15: {CLIENT}.client_secret: This must not be empty. Leave the key out instead."),
    (
        "client_secret: a given secret",
        "client_secret_from: file:x",
        f"15: {CLIENT}.client_secret_from: Write 'env:NAME', with the name of an environment variable.",
    ),
    (
        "client_secret: a given secret",
        "client_secret_from: env:NOT_SET",
        f"15: {CLIENT}.client_secret_from: The environment variable NOT_SET is not set. Set it and try again.",
    ),
    (
        "a given secret",
        "a given secret\n        client_secret_from: env:WEB_SECRET",
        f"16: {CLIENT}.client_secret_from: Give client_secret or client_secret_from, not both.",
    ),
    (
        "        scope: openid",
        "        token_endpoint_auth_method: none",
        f"15: {CLIENT}.client_secret: A public client has no secret. Leave this key out.",
    ),
    (
        "scope: openid",
        "token_endpoint_auth_method: client_secret_jwt",
        f"19: {CLIENT}.token_endpoint_auth_method: 'client_secret_jwt' is not available in this version.",
    ),
    ("[authorization_code]", "[implicit]", f"16: {CLIENT}.grant_types[0]: 'implicit' is not known here. Use one of:"),
    (
        "[authorization_code]",
        "[refresh_token, 'urn:ietf:params:oauth:grant-type:jwt-bearer']",
        f"16: {CLIENT}.grant_types[1]: 'urn:ietf:params:oauth:grant-type:jwt-bearer' is not available in this version",
    ),
    ("[authorization_code]", "authorization_code", f"16: {CLIENT}.grant_types: This must be a list, not text."),
    (
        "          - https://www.acme.example/callback\n",
        "          []\n",
        f"18: {CLIENT}.redirect_uris: The authorization code grant needs at least one redirect URI.",
    ),
    (
        "https://www.acme.example/callback",
        "https://www.acme.example/callback\n          - http://www.acme.example/callback",
        f"19: {CLIENT}.redirect_uris[1]: http://www.acme.example/callback: use https; http is for loopback",
    ),
    (
        "https://www.acme.example/callback",
        "https://x.example/#f",
        f"18: {CLIENT}.redirect_uris[0]: A redirect URI must",
    ),
    (
        "https://www.acme.example/callback",
        "'https://a.example b'",
        f"18: {CLIENT}.redirect_uris[0]: https://a.example b:",
    ),
    (
        "https://www.acme.example/callback",
        "'https://a.example/cb,'",
        f"18: {CLIENT}.redirect_uris[0]: https://a.example/cb,: write one per line, without commas.",
    ),
    (
        "https://www.acme.example/callback",
        "https://a.example/\n          - https://a.example/",
        f"19: {CLIENT}.redirect_uris[1]: 'https://a.example/' is listed twice.",
    ),
    (
        "scope: openid",
        "backchannel_logout_uri: http://www.acme.example/",
        f"19: {CLIENT}.backchannel_logout_uri: http://www.acme.example/: use https.",
    ),
    ("scope: openid", "scope: [openid]", f"19: {CLIENT}.scope: Write the scopes as one text, separated by spaces."),
    (
        "scope: openid",
        "scope: 'open\"id'",
        f"19: {CLIENT}.scope: 'open\"id': A scope has visible ASCII characters only",
    ),
    ("scope: openid", "audience: ['https://u@a.example']", f"19: {CLIENT}.audience[0]: An audience must not contain a"),
    ("scope: openid", "audience: [{mode: exact}]", f"19: {CLIENT}.audience[0].value: This key is missing and needed."),
    ("scope: openid", "audience: [{value: a, mode: all}]", f"19: {CLIENT}.audience[0].mode: 'all' is not known here."),
    ("scope: openid", "audience: [{value: a, mode: prefix}]", f"19: {CLIENT}.audience[0].mode: Only http(s) addresses"),
    ("scope: openid", "audience: [7]", f"19: {CLIENT}.audience[0]: This must be a mapping of keys and values, not a"),
    (
        "scope: openid",
        "audience: ['https://a.example', 'https://A.example/']",
        f"19: {CLIENT}.audience[1]: This audience is listed twice. Keep one.",
    ),
    ("scope: openid", "introspects: [web]", f"19: {CLIENT}.introspects: This list needs 'introspection: listed'."),
    ("scope: openid", "allowed_callers: [nobody]", f"19: {CLIENT}.allowed_callers[0]: There is no client 'nobody'"),
    (
        "scope: openid",
        "acts_for: ['https://x.example']",
        f"19: {CLIENT}.acts_for[0]: There is no API with this identif",
    ),
    (
        "scope: openid",
        "access_token_lifetime: null",
        f"19: {CLIENT}.access_token_lifetime: This must be a number of se",
    ),
    (
        "scope: openid",
        "access_token_lifetime: 1:30",
        f"19: {CLIENT}.access_token_lifetime: This must be a number of se",
    ),
    ("scope: openid", f"id_token_lifetime: {'9' * 30}", f"19: {CLIENT}.id_token_lifetime: This must be 1 to 315360000"),
    (
        "scope: openid",
        "id_token_signed_response_alg: HS256",
        f"19: {CLIENT}.id_token_signed_response_alg: 'HS256' is n",
    ),
    (
        "scope: openid",
        "jwks: {keys: [{kty: RSA}]}",
        f"19: {CLIENT}.jwks: Key 1: A member is missing, or is not base64url",
    ),
    (
        "scope: openid",
        "jwks: [1]",
        f"19: {CLIENT}.jwks: Write 'jwks: {{keys: [...]}}', or leave the key out.",
    ),
    (
        "scope: openid",
        "jwks_uri: http://a.example",
        f"19: {CLIENT}.jwks_uri: http://a.example: use https.",
    ),
    (
        "scope: openid",
        "redirect_uri: x",
        f"19: {CLIENT}.redirect_uri: Unknown key 'redirect_uri'. Did you mean 'redire",
    ),
]


def problems(text: str) -> list[str]:
    with pytest.raises(ConfigurationError) as refused:
        apply(text, path="acme.yaml", environ={"WEB_SECRET": "from the environment"})
    assert not User.objects.exists()
    assert not Project.objects.exists()
    return str(refused.value).splitlines()


def test_an_attribute_that_is_said_twice_is_refused() -> None:
    twice = "email: demo@acme.example, phone_number: '1', attributes: {phone_number: '2'}"
    told = problems(f"version: 1\nusers: [{{username: demo, {twice}}}]")
    assert told == ["acme.yaml:2: users[0].phone_number: This is said twice: here, and in attributes. Leave one out."]


@pytest.mark.any_database
@pytest.mark.parametrize(("old", "new", "line"), MISTAKES)
def test_a_mistake_is_told_with_its_place(old: str, new: str, line: str) -> None:
    found = problems(changed(SMALL, old, new))
    assert len(found) == 1, found
    assert found[0].startswith(f"acme.yaml:{line}")


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("require_pkce", "false", "A public client always needs PKCE. Leave this key out."),
        ("rotate_refresh_tokens", "false", "A public client's refresh tokens always rotate. Leave this key out."),
        ("introspection", "own", "A public client may not introspect. Leave this key out."),
        ("grant_types", "[client_credentials]", "A public client cannot use client credentials: it has none."),
    ],
)
def test_a_public_client_cannot_choose_what_is_fixed_for_it(key: str, value: str, message: str) -> None:
    text = f"""\
version: 1
projects:
  - id: acme
    name: Acme
    clients:
      - client_id: spa
        token_endpoint_auth_method: none
        {key}: {value}
"""
    assert problems(text) == [f"acme.yaml:8: projects[0].clients[0].{key}: {message}"]


def test_all_mistakes_are_told_at_once_in_the_order_of_the_file() -> None:
    text = changed(SMALL, "demo@acme.example", "demo")
    text = changed(text, "name: Orders", "nam: Orders")
    text = changed(text, "[authorization_code]", "[password]")
    text = changed(text, "scope: openid", "acts_for: ['https://nobody.example']")
    starts = [line.split(": ")[:2] for line in problems(text)]
    assert starts == [
        ["acme.yaml:5", "users[0].email"],
        ["acme.yaml:10", "projects[0].apis[0].name"],
        ["acme.yaml:11", "projects[0].apis[0].nam"],
        ["acme.yaml:16", "projects[0].clients[0].grant_types[0]"],
        ["acme.yaml:19", "projects[0].clients[0].acts_for[0]"],
    ]


def test_an_api_that_nobody_registered_is_told_though_nothing_else_changes() -> None:
    """Both times: it is not dropped from what is there already, and the second run does not find all well."""
    apply(SMALL)
    wrong = changed(SMALL, "scope: openid", "scope: openid\n        acts_for: ['https://nobody.example']")
    for _ in range(2):
        with pytest.raises(ConfigurationError, match=r"acts_for\[0\]: There is no API with this identifier"):
            apply(wrong)


def test_one_mistake_makes_no_followers() -> None:
    """Who names an object that has a problem of its own is not told that it does not exist."""
    text = changed(SMALL, "demo@acme.example", "demo")
    text = changed(text, "name: Acme", "name: Acme\n    members: {owners: [demo]}")
    assert len(problems(text)) == 1


def test_a_mapping_has_paths_but_no_lines() -> None:
    with pytest.raises(ConfigurationError, match=r"^<configuration>: users\[0\]\.mail: Unknown key 'mail'\."):
        apply({"version": 1, "users": [{"username": "demo", "mail": "x"}]})


@pytest.mark.parametrize(("method", "key"), [("client_secret_basic", "client_secret"), ("none", "client_secret")])
def test_a_mistake_never_shows_a_secret(method: str, key: str) -> None:
    text = changed(SMALL, "scope: openid", f"token_endpoint_auth_method: {method}\n        zzz: 1")
    assert "a given secret" not in "\n".join(problems(text))
    broken = "\n".join(problems(changed(text, "a given secret", '"a given secret')))
    assert "a given secret" not in broken


class TestObjectsThatAreThereAlready:
    @pytest.fixture(autouse=True)
    def _small_is_applied(self) -> None:
        apply(SMALL)

    def refused(self, text: str) -> str:
        with pytest.raises(ConfigurationError) as refused:
            apply(text, path="acme.yaml")
        return str(refused.value)

    def test_a_client_never_moves_to_another_project(self) -> None:
        text = "version: 1\nprojects:\n  - id: other\n    name: Other\n    clients:\n      - client_id: web\n"
        assert self.refused(text) == (
            "acme.yaml:6: projects[0].clients[0].client_id: The client 'web' belongs to project 'acme' and stays "
            "there for ever. Use another client_id."
        )
        assert Client.objects.get().home.key == "acme"
        assert not Project.objects.filter(key="other").exists()

    def test_an_api_stays_in_its_project(self) -> None:
        text = (
            "version: 1\nprojects:\n  - id: other\n    name: Other\n    apis:\n"
            "      - {identifier: 'https://api.acme.example/orders/', name: Mine}\n"
        )
        assert self.refused(text) == (
            "acme.yaml:6: projects[0].apis[0].identifier: This API belongs to project 'acme'."
        )

    @pytest.mark.parametrize("identifier", ["https://api.acme.example", "https://api.acme.example/orders/7"])
    def test_an_api_overlaps_none_of_another_project(self, identifier: str) -> None:
        text = (
            "version: 1\nprojects:\n  - id: other\n    name: Other\n    apis:\n"
            f"      - {{identifier: '{identifier}', name: Mine}}\n"
        )
        assert self.refused(text) == (
            "acme.yaml:6: projects[0].apis[0].identifier: This address overlaps an API of another project."
        )

    def test_an_audience_of_an_api_that_is_not_shared_is_refused(self) -> None:
        text = (
            "version: 1\nprojects:\n  - id: other\n    name: Other\n    clients:\n"
            "      - {client_id: shop, audience: ['https://api.acme.example/orders/7']}\n"
        )
        assert self.refused(text) == (
            "acme.yaml:6: projects[0].clients[0].audience[0]: This audience belongs to an API that is not "
            "shared with this project."
        )

    def test_only_clients_of_the_same_project_are_callers(self) -> None:
        text = (
            "version: 1\nprojects:\n  - id: other\n    name: Other\n    clients:\n"
            "      - {client_id: shop, allowed_callers: [web]}\n"
        )
        assert self.refused(text) == (
            "acme.yaml:6: projects[0].clients[0].allowed_callers[0]: Only clients of the same project can be callers."
        )

    def test_an_account_is_not_shadowed_by_another_spelling_of_its_name(self) -> None:
        assert self.refused("version: 1\nusers:\n  - username: Demo\n") == (
            "acme.yaml:3: users[0].username: Another account has this name in other capitals."
        )

    @pytest.mark.parametrize("verified", [", email_verified: true", ", email_verified: false", ""])
    @pytest.mark.parametrize("is_there", [True, False])
    def test_a_verified_address_of_somebody_else_is_refused(self, verified: str, is_there: bool) -> None:
        EmailAddress.objects.create(user=User.objects.get(), email="second@acme.example", verified=True)
        if is_there:
            User.objects.create_user("two", "two@acme.example")
        text = f"version: 1\nusers:\n  - {{username: two, email: Second@acme.example{verified}}}\n"
        assert self.refused(text) == "acme.yaml:3: users[0].email: Another account has verified this e-mail address."


def test_the_id_of_a_deleted_client_is_never_used_again() -> None:
    SecurityEvent.objects.create(kind=CLIENT_DELETED, client_id="old")
    with pytest.raises(ConfigurationError, match="never used again"):
        apply("version: 1\nprojects: [{id: shop, name: Shop, clients: [{client_id: old, client_name: Old}]}]")
