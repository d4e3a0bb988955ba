"""Plays curl's part where there is none: the few options the documentation uses."""

from __future__ import annotations

import argparse
import base64
import sys
from urllib.error import HTTPError
from urllib.request import Request, urlopen


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(allow_abbrev=False)
    parser.add_argument("url")
    parser.add_argument("-sS", action="store_true", required=True, dest="silent")
    parser.add_argument("-u", dest="user")
    parser.add_argument("-d", action="append", default=[], dest="data")
    parser.add_argument("-H", action="append", default=[], dest="headers")
    options = parser.parse_args(arguments)
    headers = dict(header.split(": ", 1) for header in options.headers)
    if options.user:
        headers["Authorization"] = "Basic " + base64.b64encode(options.user.encode()).decode()
    body = "&".join(options.data).encode() if options.data else None
    try:
        with urlopen(Request(options.url, body, headers), timeout=30) as response:
            sys.stdout.buffer.write(response.read())
    except HTTPError as error:
        sys.stdout.buffer.write(error.read())


if __name__ == "__main__":
    main(sys.argv[1:])
