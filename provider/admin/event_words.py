"""What security events say to people. A kind without a sentence is shown as it is: one of rows past a registration."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

WORDS = {
    "project.created": _("Project added"),
    "project.changed": _("Project changed"),
    "project.deleted": _("Project deleted"),
    "member.added": _("Member added to a project"),
    "member.changed": _("Role of a member changed"),
    "member.removed": _("Member removed from a project"),
    "api.created": _("API added"),
    "api.changed": _("API changed"),
    "api.deleted": _("API deleted"),
    "api.tokens_ended": _("Every token for an API ended"),
    "client.created": _("Client added"),
    "client.changed": _("Client changed"),
    "client.introspection_changed": _("What a client may ask about tokens was changed"),
    "client.keys_changed": _("Keys of a client changed"),
    "client.enabled": _("Client enabled"),
    "client.disabled": _("Client disabled"),
    "client.deleted": _("Client deleted"),
    "client.locked_out": _("A network has to wait after too many wrong secrets"),
    "client.secret_generated": _("Secret made"),
    "client.secret_adopted": _("Secret that somebody chose was set"),
    "client.secret_limited": _("End of a secret set"),
    "client.secret_described": _("Label or end of a secret changed"),
    "client.secret_revoked": _("Secret revoked"),
    "initial_token.made": _("Token made with which apps register themselves"),
    "initial_token.revoked": _("Token with which apps register themselves revoked"),
    "key.made": _("Next signing key published"),
    "key.activated": _("Signing key signs from now on"),
    "key.retired": _("Signing key retired"),
    "key.revoked": _("Signing key revoked"),
    "guest_host.blocked": _("Host of guest apps blocked"),
    "guest_host.lifted": _("Host of guest apps let in again"),
    "guest.deleted": _("Guest app deleted"),
    "guest.ended": _("Access of a guest app ended by the person"),
    "token.cross_client": _("ID token made for another client of the project"),
    "token.cross_client_refused": _("ID token for another client refused"),
    "token.exchanged": _("Token exchanged for another one"),
    "token.reuse": _("A code or refresh token came a second time, and its authorization ended"),
    "consent.accepted_elsewhere": _("A project's own consent page allowed an app something"),
    "consent.rejected_elsewhere": _("A project's own consent page rejected an app's request"),
    "access.revoked": _("Access ended by an administrator"),
    "authorization.ended": _("Authorization ended by an administrator"),
    "consent.taken_back": _("A person took back what they had allowed"),
    "sign_in.ended": _("Sign-ins of a person ended by an administrator"),
    "sign_in.ended_by_client": _("An app signed somebody out"),
    "logout_notice.given_up": _("An app could not be told that somebody signed out"),
    "configuration.applied": _("Configuration file applied"),
    "device.allowed": _("A person connected a device"),
    "device.denied": _("A person refused a device"),
    "device.locked_out": _("Somebody has to wait after too many wrong codes of devices"),
    "tokens.swept": _("What had expired was deleted"),
    "person.changed": _("Account of a person changed by an administrator"),
    "people.imported": _("People, apps or tokens came from another system"),
}


def words(kind: str) -> str:
    return str(WORDS.get(kind, kind))
