"""The addresses of the API. A client's id, an API's identifier and a key's id may have slashes in them."""

from __future__ import annotations

from django.urls import path

from idp.api.apis import ApiList, OneApi
from idp.api.attributes import AttributeList, OneAttribute
from idp.api.audiences import AudienceList, OneAudience
from idp.api.authorizations import OfPersonList, OfProjectList, OneOfPerson, OneOfProject
from idp.api.client_keys import ClientKeys, OneClientKey
from idp.api.clients import ClientList, OneClient
from idp.api.connectors import ConnectorList, OneConnector
from idp.api.consent_requests import ConsentAcceptance, ConsentRejection, OneConsentRequest
from idp.api.consent_screens import ConsentScreen
from idp.api.consents import ConsentList, OneConsent
from idp.api.events import EventList, ProjectEventList
from idp.api.explanations import OneExplanation
from idp.api.groups import GroupList, GroupMemberList, OneGroup, OneGroupMember
from idp.api.guests import BlockedHostList, GuestList, GuestsOfProject, OneBlockedHost, OneGuest
from idp.api.initial_tokens import InitialTokenList, OneInitialToken
from idp.api.invitations import InvitationList, OneInvitation, OneProjectInvitation, ProjectInvitationList
from idp.api.members import MemberList, OneMember
from idp.api.people import OnePerson, PeopleList, SecondSteps
from idp.api.project_streams import OneProjectStream, ProjectStreamList
from idp.api.projects import OneProject, ProjectList
from idp.api.records import (
    AccountEventList,
    LogoutNoticeList,
    LogoutNoticesOfProject,
    RefusedRequestList,
    RefusedRequestsOfProject,
)
from idp.api.roles import OneRole, RoleList, RoleOfGroup, RoleOfUser
from idp.api.secrets import OneSecret, SecretList
from idp.api.sign_ins import OneSignIn, SignInList
from idp.api.signing_keys import KeyActivation, KeyRevocation, KeyRotation, OneSigningKey, SigningKeyList
from idp.api.webhooks import DeliveryList, OneWebhook, WebhookList, WebhookSecret, WebhookTest

PROJECT = "projects/<str:project>"
PERSON = "users/<path:sub>"
CLIENT = f"{PROJECT}/clients/<path:client_id>"
WEBHOOK = f"{PROJECT}/webhooks/<str:webhook>"
RESOURCES = [
    path("projects", ProjectList.as_view()),
    path(PROJECT, OneProject.as_view()),
    path(f"{PROJECT}/consent-screen", ConsentScreen.as_view()),
    path(f"{PROJECT}/members", MemberList.as_view()),
    path(f"{PROJECT}/members/<str:username>", OneMember.as_view()),
    path(f"{PROJECT}/roles", RoleList.as_view()),
    path(f"{PROJECT}/roles/<str:role>", OneRole.as_view()),
    path(f"{PROJECT}/roles/<str:role>/users/<str:username>", RoleOfUser.as_view()),
    path(f"{PROJECT}/roles/<str:role>/groups/<path:group>", RoleOfGroup.as_view()),
    path(f"{PROJECT}/invitations", ProjectInvitationList.as_view()),
    path(f"{PROJECT}/invitations/<str:invitation>", OneProjectInvitation.as_view()),
    path(f"{PROJECT}/apis", ApiList.as_view()),
    path(f"{PROJECT}/apis/<path:identifier>", OneApi.as_view()),
    path(f"{PROJECT}/clients", ClientList.as_view()),
    path(f"{CLIENT}/secrets", SecretList.as_view()),
    path(f"{CLIENT}/secrets/<int:secret>", OneSecret.as_view()),
    path(f"{CLIENT}/keys", ClientKeys.as_view()),
    path(f"{CLIENT}/keys/<path:kid>", OneClientKey.as_view()),
    path(f"{CLIENT}/audiences", AudienceList.as_view()),
    path(f"{CLIENT}/audiences/<path:audience>", OneAudience.as_view()),
    path(f"{CLIENT}/explanation", OneExplanation.as_view()),
    path(CLIENT, OneClient.as_view()),
    path(f"{PROJECT}/initial-access-tokens", InitialTokenList.as_view()),
    path(f"{PROJECT}/initial-access-tokens/<int:initial_token>", OneInitialToken.as_view()),
    path(f"{PROJECT}/guests", GuestsOfProject.as_view()),
    path(f"{PROJECT}/refused-requests", RefusedRequestsOfProject.as_view()),
    path(f"{PROJECT}/logout-notices", LogoutNoticesOfProject.as_view()),
    path(f"{PROJECT}/authorizations", OfProjectList.as_view()),
    path(f"{PROJECT}/authorizations/<str:authorization>", OneOfProject.as_view()),
    path(f"{PROJECT}/events", ProjectEventList.as_view()),
    path("users", PeopleList.as_view()),
    path(f"{PERSON}/second-steps", SecondSteps.as_view()),
    path(f"{PERSON}/sign-ins", SignInList.as_view()),
    path(f"{PERSON}/sign-ins/<str:sign_in_id>", OneSignIn.as_view()),
    path(f"{PERSON}/consents", ConsentList.as_view()),
    path(f"{PERSON}/consents/<str:project>", OneConsent.as_view()),
    path(f"{PERSON}/authorizations", OfPersonList.as_view()),
    path(f"{PERSON}/authorizations/<str:authorization>", OneOfPerson.as_view()),
    path(PERSON, OnePerson.as_view()),
    path("invitations", InvitationList.as_view()),
    path("invitations/<str:invitation>", OneInvitation.as_view()),
    path("attributes", AttributeList.as_view()),
    path("attributes/<str:attribute>", OneAttribute.as_view()),
    path("groups", GroupList.as_view()),
    path("groups/<str:group_id>", OneGroup.as_view()),
    path("groups/<str:group_id>/members", GroupMemberList.as_view()),
    path("groups/<str:group_id>/members/<path:sub>", OneGroupMember.as_view()),
    path("keys", SigningKeyList.as_view()),
    path("keys/rotation", KeyRotation.as_view()),
    path("keys/<str:key>", OneSigningKey.as_view()),
    path("keys/<str:key>/activate", KeyActivation.as_view()),
    path("keys/<str:key>/revoke", KeyRevocation.as_view()),
    path("guests", GuestList.as_view()),
    path("guests/<path:guest>", OneGuest.as_view()),
    path("blocked-hosts", BlockedHostList.as_view()),
    path("blocked-hosts/<path:host>", OneBlockedHost.as_view()),
    path("refused-requests", RefusedRequestList.as_view()),
    path("logout-notices", LogoutNoticeList.as_view()),
    path("account-events", AccountEventList.as_view()),
    path("events", EventList.as_view()),
    path("connectors", ConnectorList.as_view()),
    path("connectors/<str:connector>", OneConnector.as_view()),
    path("consent-requests/<str:challenge>", OneConsentRequest.as_view()),
    path("consent-requests/<str:challenge>/accept", ConsentAcceptance.as_view()),
    path("consent-requests/<str:challenge>/reject", ConsentRejection.as_view()),
    path(f"{PROJECT}/webhooks", WebhookList.as_view()),
    path(WEBHOOK, OneWebhook.as_view()),
    path(f"{WEBHOOK}/secret", WebhookSecret.as_view()),
    path(f"{WEBHOOK}/test", WebhookTest.as_view()),
    path(f"{WEBHOOK}/deliveries", DeliveryList.as_view()),
    path(f"{PROJECT}/streams", ProjectStreamList.as_view()),
    path(f"{PROJECT}/streams/<str:stream>", OneProjectStream.as_view()),
]
