"""The addresses of the API. A client's id, an API's identifier and a key's id may have slashes in them."""

from __future__ import annotations

from django.urls import path

from idp.api.apis import ApiList, OneApi
from idp.api.audiences import AudienceList, OneAudience
from idp.api.client_keys import ClientKeys, OneClientKey
from idp.api.clients import ClientList, OneClient
from idp.api.consent_requests import ConsentAcceptance, ConsentRejection, OneConsentRequest
from idp.api.consent_screens import ConsentScreen
from idp.api.members import MemberList, OneMember
from idp.api.projects import OneProject, ProjectList
from idp.api.secrets import OneSecret, SecretList

PROJECT = "projects/<str:project>"
CLIENT = f"{PROJECT}/clients/<path:client_id>"
RESOURCES = [
    path("projects", ProjectList.as_view()),
    path(PROJECT, OneProject.as_view()),
    path(f"{PROJECT}/consent-screen", ConsentScreen.as_view()),
    path(f"{PROJECT}/members", MemberList.as_view()),
    path(f"{PROJECT}/members/<str:username>", OneMember.as_view()),
    path(f"{PROJECT}/apis", ApiList.as_view()),
    path(f"{PROJECT}/apis/<path:identifier>", OneApi.as_view()),
    path(f"{PROJECT}/clients", ClientList.as_view()),
    path(f"{CLIENT}/secrets", SecretList.as_view()),
    path(f"{CLIENT}/secrets/<int:secret>", OneSecret.as_view()),
    path(f"{CLIENT}/keys", ClientKeys.as_view()),
    path(f"{CLIENT}/keys/<path:kid>", OneClientKey.as_view()),
    path(f"{CLIENT}/audiences", AudienceList.as_view()),
    path(f"{CLIENT}/audiences/<path:audience>", OneAudience.as_view()),
    path(CLIENT, OneClient.as_view()),
    path("consent-requests/<str:challenge>", OneConsentRequest.as_view()),
    path("consent-requests/<str:challenge>/accept", ConsentAcceptance.as_view()),
    path("consent-requests/<str:challenge>/reject", ConsentRejection.as_view()),
]
