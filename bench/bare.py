"""A bare ASGI application under the gateway's own server settings: what the server alone costs, to hold the gateway's figures against."""

import sys

import uvicorn
from starlette.types import Receive, Scope, Send

BODY = b'{"data":{"greeting":"Hello"}}'
HEADERS = [(b"content-type", b"application/graphql-response+json; charset=utf-8"), (b"content-length", b"%d" % len(BODY))]


async def answer(scope: Scope, receive: Receive, send: Send) -> None:
    """Read the request to its end and answer always the same."""
    if scope["type"] != "http":
        return
    while (await receive()).get("more_body"):
        pass
    await send({"type": "http.response.start", "status": 200, "headers": HEADERS})
    await send({"type": "http.response.body", "body": BODY})


if __name__ == "__main__":
    uvicorn.run(
        answer,
        port=int(sys.argv[1]),
        loop="uvloop",
        http="httptools",
        lifespan="off",
        access_log=False,
        log_level="warning",
        proxy_headers=False,
    )
