"""What security events say to people. A kind without a sentence is shown as it is: one of rows past a registration."""

from __future__ import annotations

from django.apps import apps
from django.utils.translation import gettext
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
    "client.created": _("App added"),
    "client.changed": _("App changed"),
    "client.introspection_changed": _("What an app may ask about tokens was changed"),
    "client.keys_changed": _("Keys of an app changed"),
    "client.enabled": _("App enabled"),
    "client.disabled": _("App disabled"),
    "client.deleted": _("App deleted"),
    "client.locked_out": _("A network has to wait after too many wrong secrets"),
    "client.unlocked": _("A network need not wait any more after too many wrong secrets"),
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
    "token.cross_client": _("ID token made for another app of the project"),
    "token.cross_client_refused": _("ID token for another app refused"),
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
    "configuration.exported": _("Configuration exported"),
    "device.allowed": _("A person connected a device"),
    "device.denied": _("A person refused a device"),
    "device.locked_out": _("Somebody has to wait after too many wrong codes of devices"),
    "device.unlocked": _("Somebody need not wait any more after too many wrong codes of devices"),
    "tokens.swept": _("What had expired was deleted"),
    "person.created": _("Account of a person made by an administrator"),
    "person.deleted": _("Account of a person deleted by an administrator"),
    "person.let_in": _("A person was let into the console"),
    "person.changed": _("Account of a person changed by an administrator"),
    "person.reset_mail_sent": _("Mail for a new password sent to a person by an administrator"),
    "webhook.created": _("Webhook added"),
    "webhook.changed": _("Webhook changed"),
    "webhook.deleted": _("Webhook deleted"),
    "webhook.secret_made": _("New secret of a webhook"),
    "webhook.secret_ended": _("Older secret of a webhook ended"),
    "webhook.tested": _("Test sent to a webhook"),
    "stream.created": _("Event stream added by an app"),
    "stream.changed": _("Event stream changed by an app"),
    "stream.deleted": _("Event stream deleted"),
    "stream.status_changed": _("Event stream paused, disabled or enabled"),
    "stream.paused": _("Event stream paused: it took nothing for a day"),
    "webhook.disabled": _("Webhook disabled: it took nothing for a day"),
    "people.imported": _("People, apps or tokens came from another system"),
    "claim.too_large": _("A claim was left out for somebody, because it was too large"),
    "role.created": _("Role added"),
    "role.changed": _("Role changed"),
    "role.deleted": _("Role deleted"),
    "role.granted": _("Role given to a person or a group"),
    "role.revoked": _("Role taken back from a person or a group"),
    "invitation.made": _("Somebody was invited"),
    "invitation.sent_again": _("An invitation was sent anew"),
    "invitation.taken_back": _("An invitation was taken back"),
    "invitation.accepted": _("An invitation was accepted"),
    "connector.created": _("Connector added"),
    "connector.changed": _("Connector changed"),
    "connector.deleted": _("Connector deleted"),
    "connector.ended": _("What came by a connector ended"),
    "activity.exported": _("Activity exported"),
    "people.exported": _("People exported"),
    "directory.stopped": _("A directory was stopped: it ended very many people"),
    "directory.let_go_on": _("A directory that was stopped goes on"),
    "connector.refused": _("A sign-in from elsewhere was refused"),
}


# How the kinds end that `projects.events.watch` makes: of a table, and of what was done to a row of it.
PAST = {"created": _("Added"), "saved": _("Changed"), "deleted": _("Deleted")}


def in_words(kind: str) -> str:
    """The same for a list in which every row is a sentence."""
    model, _dot, done = kind.partition(".")
    if kind in WORDS or done not in PAST:
        return words(kind)
    name = next((one._meta.verbose_name for one in apps.get_models() if one._meta.model_name == model), model)
    return gettext("%(done)s without the console, the API or a file: %(what)s") % {"done": PAST[done], "what": name}


def words(kind: str) -> str:
    return str(WORDS.get(kind, kind))
