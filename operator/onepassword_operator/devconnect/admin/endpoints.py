"""The admin port for tests and demos: JSON without authentication, hence loopback by default.

Replies never hold a value.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final

from aiohttp import web

from onepassword_operator.devconnect.admin.answers import json_reply
from onepassword_operator.devconnect.admin.items import ItemActions
from onepassword_operator.devconnect.admin.replicas import ReplicaActions
from onepassword_operator.devconnect.admin.steering import SteeringActions
from onepassword_operator.devconnect.admin.tokens import Mint, TokenActions
from onepassword_operator.devconnect.behaviour import BehaviourError
from onepassword_operator.devconnect.errors import ApiError
from onepassword_operator.devconnect.faults.rules import FaultError
from onepassword_operator.devconnect.items.item_shape import SeedError
from onepassword_operator.devconnect.rest.balancing import BalanceError
from onepassword_operator.devconnect.server import Parts

_BODY_LIMIT_BYTES: Final = 64 * 1024 * 1024


def build(parts: Parts, mint: Mint) -> web.Application:
    """Build the admin application."""
    application = web.Application(middlewares=[_refusals], client_max_size=_BODY_LIMIT_BYTES)
    for actions in (
        ItemActions(parts.store, mint.editor),
        SteeringActions(parts),
        ReplicaActions(parts),
        TokenActions(mint),
    ):
        application.add_routes(actions.routes())
    return application


@web.middleware
async def _refusals(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    try:
        return await handler(request)
    except ApiError as error:
        return json_reply({"status": error.status, "message": error.message}, status=error.status)
    except (SeedError, FaultError, BehaviourError, BalanceError) as error:
        return json_reply({"status": 400, "message": str(error)}, status=400)
    except web.HTTPException as error:
        return json_reply({"status": error.status, "message": error.reason}, status=error.status)
    except OSError as error:
        # Only the state directory is written to.
        return json_reply(
            {"status": 500, "message": f"cannot keep the change: {error.strerror}"}, status=500
        )
