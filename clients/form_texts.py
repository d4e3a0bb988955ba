"""What the console says under each field of a client: what it does to a token, in plain words."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _

# What the toolkit calls its columns. Named here too, so that our catalogs have the words.
TOOLKIT = (_("client type"), _("redirect URIs"), _("post logout redirect URIs"))

HELP: dict[str, Any] = {
    "project": _("People consent once per project. An app stays in its project for ever."),
    "name": _("Shown to people when they are asked."),
    "client_id": _("Appears in tokens as “azp” and “client_id”. Generated for you; it cannot be changed later."),
    "enabled": _(
        "A disabled app gets no tokens, and those it has end at once and for good: enabled again, it needs new ones. "
        "“Disable”, above, says first whom that hurts."
    ),
    "sign_in": _(
        "Of those whom the project lets in. Whoever may not any more is out at once: tokens they allowed stop working."
    ),
    "client_type": _(
        "Confidential: runs on a server and keeps a secret. Public: runs on people's devices and cannot keep one."
    ),
    "token_endpoint_auth_method": _(
        "Public clients: none. The two ways to send a secret are both accepted. With a key of its own it "
        "shares nothing that could leak here."
    ),
    "jwks_uri": _(
        "Where the app publishes its public keys, as a JWK Set; https, at a public address. Empty: see “Secrets and "
        "keys”."
    ),
    "request_object_signing_alg": _(
        "Refuse authorization requests that are not signed like this (RFC 9101); empty: signed ones are read by "
        "whichever its keys are for, and others are accepted."
    ),
    "token_endpoint_auth_signing_alg": _("What it signs assertions with. Empty: whichever its keys are for."),
    "grant_types": _("How it gets tokens. Refresh tokens are issued only when “Refresh token” is ticked."),
    "response_types": _(
        "What it may ask an authorization request for. All but “Code” are for apps that cannot be changed: a superuser "
        "allows them, and the deployment has to offer them."
    ),
    "redirect_uris": _(
        "Where people are sent back with a code; one per line, matched exactly. "
        "On http://127.0.0.1 and http://[::1] any port fits."
    ),
    "post_logout_redirect_uris": _(
        "Where people may be sent after the app has signed them out; one per line, matched exactly."
    ),
    "backchannel_logout_uri": _(
        "Gets a logout token when a sign-in ends in which this app was used; https, at a public address."
    ),
    "scope": _(
        "What it may ask for: openid, profile, email, … and scopes of APIs. One per line. A directory that brings "
        "people and groups (SCIM) has scim.manage, which a superuser gives it."
    ),
    "access_token_format": _("Used for APIs that leave it to the app. APIs of their own choice come first."),
    "access_token_lifetime": _("“exp” of an access token is its “iat” plus this. A week is 604800."),
    "id_token_lifetime": _("“exp” of an ID token is its “iat” plus this."),
    "refresh_token_lifetime": _("Counted from the person's authorization. Empty: until revoked."),
    "refresh_token_idle_lifetime": _("Counted from the last use. Empty: no limit."),
    "id_token_signed_response_alg": _("The “alg” of ID tokens for this app."),
    "userinfo_signed_response_alg": _("The “alg” of userinfo answers as signed JWTs; empty: plain JSON."),
    "authorization_signed_response_alg": _("The “alg” of signed authorization responses (response_mode=jwt)."),
    "profile": _(
        "FAPI 2.0: everything it demands holds for this app, on every way to a token. What is missing for it stands "
        "below; switch it on when nothing is."
    ),
    "require_pushed_authorization_requests": _(
        "Refuse authorization requests that come through the browser: they are pushed to /oauth2/par before (RFC 9126)."
    ),
    "require_pkce": _("Refuse authorization requests without a code challenge (RFC 7636). Public clients: always."),
    "rotate_refresh_tokens": _(
        "Each refresh answers a new refresh token and ends the old one. Public clients: always."
    ),
    "refresh_tokens": _(
        "For apps that sign people in, need to go on without them, and never ask for it. People are asked all the same."
    ),
    "tokens_not_before": _("Tokens issued before this moment do not work. It only moves forward."),
    "allowed_callers": _(
        "Client IDs, one per line, that may get ID tokens whose “aud” is this app. Empty: all of the project."
    ),
    "cross_client_public": _("Lets this public app get ID tokens for other apps of the project."),
    "introspection": _(
        "Which tokens it may ask about at the introspection endpoint. Public clients: none. "
        "Only a superuser chooses “every token”."
    ),
    "introspects": _(
        "With “the listed clients”: their client IDs, one per line. Outside the project: superusers only."
    ),
    "acts_for": _(
        "Identifiers of the APIs this app is, one per line: it may ask about every token meant for them. "
        "Outside the project: superusers only."
    ),
    "dpop_bound_access_tokens": _(
        "Refuse token requests without a DPoP proof (RFC 9449): a stolen access token is worth nothing without the "
        "key. Unticked, those who send a proof get bound tokens all the same."
    ),
    "tls_client_certificate_bound_access_tokens": _(
        "Bind access tokens to the certificate of the TLS connection (RFC 8705), and refuse token requests without "
        "one. The proxy has to pass certificates on."
    ),
    "tls_client_auth_subject_dn": _(
        "With “Client certificate that a CA vouches for”: what its certificate is called, in one of these fields. "
        "The whole subject, as RFC 4514 writes it: CN=till,OU=Shops,O=Acme."
    ),
    "tls_client_auth_san_dns": _("Or a DNS name among its subject alternative names."),
    "tls_client_auth_san_uri": _("Or a URI among them."),
    "tls_client_auth_san_ip": _("Or an IP address among them."),
    "tls_client_auth_san_email": _("Or an e-mail address among them."),
    "application_type": _("Of apps on people's devices any port fits on http://localhost, too."),
    "contacts": _("Whom to write to about this app; one per line. Only members of the project see them."),
    "client_uri": _("Its home page: a link on the consent page, as the next two."),
    "policy_uri": "",
    "tos_uri": "",
    "logo_uri": _(
        "A picture of at most 64 KiB at a public address. It is fetched from there and shown to people here."
    ),
    "initiate_login_uri": _("“Open” in people's list of apps leads there, and the app begins a sign-in."),
    "default_max_age": _("For requests that do not say it (max_age): an older sign-in is renewed first."),
    "default_acr_values": _("For requests that do not say it (acr_values); one per line, the most wanted first."),
    "administers": _(
        "Keys of the projects that this app manages by a token of its own, one per line; you have to own them. "
        "Nothing without a scope “admin.read” or “admin.write”, which a superuser gives it."
    ),
}
