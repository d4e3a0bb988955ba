"""OAuth clients, what they were authorized to do, their tokens, and the keys that sign for them."""

from clients.models.allowlist import AudienceEntry
from clients.models.authorization import Authorization
from clients.models.client import Client
from clients.models.consent_request import ConsentRequest
from clients.models.directory import Endings
from clients.models.guest import BlockedHost, Guest
from clients.models.kept_answer import KeptAnswer
from clients.models.kept_request import KeptRequest
from clients.models.keys import SigningKey
from clients.models.logout import LogoutNotice
from clients.models.pushed_request import PushedRequest
from clients.models.refusal import RefusedRequest
from clients.models.secret import ClientSecret
from clients.models.self_registration import InitialAccessToken, RegistrationAccess
from clients.models.stream import Stream, StreamExclusion
from clients.models.tally import ProjectTally, Tally
from clients.models.telling import Delivery, Occurrence, ReadUntil, Webhook
from clients.models.tokens import AccessToken, DeviceGrant, Grant, IDToken, RefreshToken, RevokedToken
from clients.models.use import FirstUse
from common.leases import Lease
from common.timers import TimerRun
from projects.events import SecurityEvent

__all__ = [
    "AccessToken",
    "AudienceEntry",
    "Authorization",
    "BlockedHost",
    "Client",
    "ClientSecret",
    "ConsentRequest",
    "Delivery",
    "DeviceGrant",
    "Endings",
    "FirstUse",
    "Grant",
    "Guest",
    "IDToken",
    "InitialAccessToken",
    "KeptAnswer",
    "KeptRequest",
    "Lease",
    "LogoutNotice",
    "Occurrence",
    "ProjectTally",
    "PushedRequest",
    "ReadUntil",
    "RefreshToken",
    "RefusedRequest",
    "RegistrationAccess",
    "RevokedToken",
    "SecurityEvent",
    "SigningKey",
    "Stream",
    "StreamExclusion",
    "Tally",
    "TimerRun",
    "Webhook",
]
