"""An agent made with FastMCP, which opens a browser and listens for it by itself."""

from __future__ import annotations

import asyncio
import json
import os
import sys

from fastmcp import Client
from fastmcp.client.auth import OAuth

ASKED = json.loads(os.environ["ASKED"])


async def main() -> None:
    async with Client(ASKED.pop("server"), auth=OAuth(**ASKED)) as client:
        result = await client.call_tool("read_page", {"title": "Home"})
        sys.stdout.write(json.dumps(result.data) + "\n")


asyncio.run(main())
