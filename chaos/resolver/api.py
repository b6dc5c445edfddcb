"""The resolver's HTTP API.

GET /faults               those in place, with how many queries came for their names and how many failed
POST /faults              {"name": ..., "names": [GLOB, ...], "mode": ..., "share": 1.0, "ttl": SECONDS}
DELETE /faults/NAME       204, or 404
GET /resolver             {"listen": "HOST:PORT"}
"""

from __future__ import annotations

import json
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from chaos.proxy.api import NoBrowsers
from chaos.resolver.answering import Mode, NameFault, Resolver


class FaultBody(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: Annotated[str, Field(pattern=r"^[\w.-]+$")]
    names: Annotated[list[str], Field(min_length=1)]
    mode: Mode
    share: Annotated[float, Field(gt=0, le=1)] = 1.0
    ttl: Annotated[float | None, Field(gt=0)] = None


def api(resolver: Resolver, listen: str) -> Starlette:
    """The API over a resolver that listens at `listen`."""

    async def faults(_: Request) -> Response:
        return JSONResponse([fault.as_dict() for fault in resolver.faults.values()])

    async def add(request: Request) -> Response:
        try:
            body = FaultBody.model_validate(json.loads(await request.body()))
        except (ValueError, ValidationError) as error:
            return JSONResponse({"error": f"bad request body: {error}"}, 400)
        names = [name.lower().rstrip(".") for name in body.names]
        fault = NameFault(body.name, names, body.mode, body.share)
        resolver.add(fault, body.ttl)
        return JSONResponse(fault.as_dict(), 201)

    async def remove(request: Request) -> Response:
        return Response(status_code=204 if resolver.remove(request.path_params["name"]) else 404)

    async def about(_: Request) -> Response:
        return JSONResponse({"listen": listen})

    routes = [
        Route("/faults", faults, methods=["GET"]),
        Route("/faults", add, methods=["POST"]),
        Route("/faults/{name}", remove, methods=["DELETE"]),
        Route("/resolver", about, methods=["GET"]),
    ]
    return Starlette(routes=routes, middleware=[Middleware(NoBrowsers)])
