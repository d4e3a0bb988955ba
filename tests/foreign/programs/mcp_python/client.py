"""An MCP client made with the official SDK. Who drives it speaks JSON lines: what to do, and where the person ended."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx2
from mcp import Client
from mcp.client.auth import OAuthClientProvider
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.auth import AuthorizationCodeResult, OAuthClientInformationFull, OAuthClientMetadata, OAuthToken
from pydantic import AnyUrl

ASKED = json.loads(os.environ["ASKED"])
BACK = ASKED["redirect_uri"]


async def hears() -> Any:
    return json.loads(await asyncio.to_thread(sys.stdin.readline))


def says(**told: object) -> None:
    sys.stdout.write(json.dumps(told) + "\n")
    sys.stdout.flush()


class Storage:
    """In memory: what a client keeps between its sessions."""

    tokens: OAuthToken | None = None
    client: OAuthClientInformationFull | None = None

    async def get_tokens(self) -> OAuthToken | None:
        return self.tokens

    async def set_tokens(self, tokens: OAuthToken) -> None:
        self.tokens = tokens

    async def get_client_info(self) -> OAuthClientInformationFull | None:
        return self.client

    async def set_client_info(self, client_info: OAuthClientInformationFull) -> None:
        self.client = client_info


async def visit(address: str) -> None:
    says(visit=address)


async def arrived() -> AuthorizationCodeResult:
    ended = (await hears())["ended"]
    answer = {name: values[0] for name, values in parse_qs(urlsplit(ended).query).items()}
    return AuthorizationCodeResult(code=answer.get("code", ""), state=answer.get("state"), iss=answer.get("iss"))


async def call(auth: OAuthClientProvider, tool: str, arguments: dict[str, Any]) -> dict[str, object]:
    """Each call is a session of its own, so that a refusal ends no other."""
    async with (
        httpx2.AsyncClient(auth=auth, timeout=30) as http,
        Client(streamable_http_client(ASKED["server"], http_client=http)) as client,
    ):
        result = await client.call_tool(tool, arguments)
        return {"said": [getattr(part, "text", "") for part in result.content], "failed": result.is_error}


def why(error: BaseException) -> str:
    """Of a group of them, the first that says something."""
    return why(error.exceptions[0]) if isinstance(error, BaseExceptionGroup) else f"{type(error).__name__}: {error}"


async def main() -> None:
    storage = Storage()
    if ASKED.get("client_id"):
        storage.client = OAuthClientInformationFull(
            client_id=ASKED["client_id"], redirect_uris=[AnyUrl(BACK)], token_endpoint_auth_method="none"
        )
    metadata = OAuthClientMetadata(client_name="Assistant", redirect_uris=[AnyUrl(BACK)])
    document = ASKED.get("client_metadata_url")
    auth = OAuthClientProvider(ASKED["server"], metadata, storage, visit, arrived, document)
    while (asked := await hears()) != {}:
        match asked:
            case {"call": tool, "with": arguments}:
                try:
                    says(**await call(auth, tool, arguments))
                except BaseException as error:
                    says(error=why(error))
            case {"expire": _}:
                auth.context.token_expiry_time = 1
                says()
            case _:
                tokens = auth.context.current_tokens
                client = auth.context.client_info
                says(tokens=tokens and tokens.model_dump(), client=client and client.model_dump(mode="json"))


asyncio.run(main())
