"""Everything that the console can do, a program can do: each of its pages, and what of the API does the same."""

from __future__ import annotations

from django.contrib import admin

from tests.idp.api.every_operation import OPERATIONS

# By the model of the page: what looks, what makes, changes and deletes, and what its actions and further pages do.
PAGES: dict[str, tuple[str, ...]] = {
    "accounts.User": (
        *("list_users", "get_user", "create_user", "put_user", "patch_user", "delete_user"),
        "delete_second_steps",
    ),
    "accounts.AccountEvent": ("list_account_events",),
    "accounts.Attribute": ("list_attributes", "get_attribute", "put_attribute", "delete_attribute"),
    "accounts.Group": (
        *("list_groups", "get_group", "create_group", "patch_group", "delete_group"),
        *("list_group_members", "put_group_member", "delete_group_member"),
    ),
    "projects.Project": (
        *("list_projects", "get_project", "put_project", "patch_project", "delete_project"),
        *("list_members", "put_member", "delete_member", "get_consent_screen", "put_consent_screen"),
    ),
    "projects.Api": ("list_apis", "get_api", "put_api", "patch_api", "delete_api"),
    "clients.Client": (
        *("list_clients", "get_client", "create_client", "put_client", "patch_client", "delete_client"),
        *("list_client_secrets", "create_client_secret", "delete_client_secret"),
        *("get_client_keys", "put_client_keys", "add_client_key", "delete_client_key"),
        *("list_client_audiences", "put_client_audience", "delete_client_audience", "explain_audience"),
    ),
    "projects.ProjectRole": (
        *("list_roles", "get_role", "put_role", "patch_role", "delete_role"),
        *("grant_role_to_user", "revoke_role_from_user", "grant_role_to_group", "revoke_role_from_group"),
    ),
    "upstream.Connector": (
        *("list_connectors", "get_connector", "put_connector", "patch_connector", "delete_connector"),
    ),
    "projects.Invitation": (
        *("list_invitations", "get_invitation", "create_invitation", "delete_invitation"),
        *("list_project_invitations", "create_project_invitation", "delete_project_invitation"),
    ),
    "clients.Webhook": (
        *("list_webhooks", "get_webhook", "create_webhook", "patch_webhook", "delete_webhook"),
        *("rotate_webhook_secret", "end_webhook_secret", "test_webhook"),
    ),
    "clients.Delivery": ("list_webhook_deliveries",),
    "clients.Stream": ("list_streams", "get_stream", "patch_stream", "delete_stream"),
    "clients.InitialAccessToken": (
        *("list_initial_access_tokens", "get_initial_access_token"),
        *("create_initial_access_token", "delete_initial_access_token"),
    ),
    "clients.Authorization": (
        *("list_authorizations", "delete_authorization"),
        *("list_authorizations_of_user", "delete_authorization_of_user"),
    ),
    "clients.LogoutNotice": ("list_logout_notices", "list_logout_notices_of_project"),
    "clients.Guest": ("list_guests", "list_guests_of_project", "get_guest", "patch_guest"),
    "clients.BlockedHost": ("list_blocked_hosts", "put_blocked_host", "delete_blocked_host"),
    "clients.SigningKey": (
        *("list_signing_keys", "get_signing_key", "create_signing_key"),
        *("activate_signing_key", "revoke_signing_key", "rotate_signing_keys"),
    ),
    "clients.SecurityEvent": ("list_events", "list_project_events"),
    "clients.RefusedRequest": ("list_refused_requests", "list_refused_requests_of_project"),
}


def test_each_page_of_the_console_has_its_operations() -> None:
    """A page that is added asks here what does the same for programs."""
    assert {one._meta.label for one in admin.site._registry} == set(PAGES)
    for page, operations in PAGES.items():
        assert set(operations) <= set(OPERATIONS), page
