"""The routing table: permission and function of each endpoint that needs a Connect token."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from onepassword_operator.devconnect.auth.tokens import Access
from onepassword_operator.devconnect.rest import (
    file_endpoints,
    read_endpoints,
    routing,
    write_endpoints,
)
from onepassword_operator.devconnect.rest.calls import Route

API_ROUTES: Final[Mapping[tuple[str, str], Route]] = {
    ("GET", routing.VAULTS): Route(answer=read_endpoints.list_vaults),
    ("GET", routing.VAULT): Route(answer=read_endpoints.get_vault),
    ("GET", routing.ITEMS): Route(answer=read_endpoints.list_items, needs=Access.READ_ITEMS),
    ("POST", routing.ITEMS): Route(
        answer=write_endpoints.create_item, needs=Access.CREATE, action="create"
    ),
    ("GET", routing.ITEM): Route(answer=read_endpoints.get_item, needs=Access.READ),
    ("PUT", routing.ITEM): Route(
        answer=write_endpoints.replace_item, needs=Access.UPDATE, action="update"
    ),
    ("PATCH", routing.ITEM): Route(
        answer=write_endpoints.patch_item, needs=Access.UPDATE, action="update"
    ),
    ("DELETE", routing.ITEM): Route(
        answer=write_endpoints.delete_item, needs=Access.ARCHIVE, action="delete"
    ),
    ("GET", routing.FILES): Route(answer=file_endpoints.list_files, needs=Access.READ),
    ("GET", routing.FILE): Route(answer=file_endpoints.get_file, needs=Access.READ),
    ("GET", routing.CONTENT): Route(answer=file_endpoints.get_content, needs=Access.READ),
    ("GET", routing.ACTIVITY): Route(answer=read_endpoints.list_activity),
}
EVENT_ROUTES: Final = frozenset(
    {("GET", routing.INTROSPECT), *(("POST", template) for template in routing.EVENTS)}
)
"""The endpoints of the Events API, which has tokens of its own."""
OPEN_ROUTES: Final = frozenset(("GET", template) for template in routing.OPEN)
ROUTES: Final = API_ROUTES.keys() | EVENT_ROUTES | OPEN_ROUTES
TEMPLATES: Final = frozenset(template for _, template in ROUTES)


def methods(template: str) -> str:
    """List the methods an endpoint has, for the Allow header of a 405."""
    return ", ".join(sorted(method for method, known in ROUTES if known == template))
