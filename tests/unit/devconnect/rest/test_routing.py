"""From a path to an endpoint."""

import pytest

from onepassword_operator.devconnect.rest import routing
from onepassword_operator.devconnect.rest.routing import Target, resolve

ITEM = "/v1/vaults/v/items/i"


@pytest.mark.parametrize("slash", ["", "/"])
def test_a_path_gives_its_template_and_ids_with_or_without_a_trailing_slash(slash: str) -> None:
    assert resolve(f"/v1/vaults{slash}") == Target(template=routing.VAULTS)
    assert resolve(f"{ITEM}/files/f/content{slash}") == Target(template=routing.CONTENT, ids=("v", "i", "f"))
    assert resolve(f"/v1/activity{slash}") == Target(template=routing.ACTIVITY)
    assert resolve(f"/metrics{slash}") == Target(template=routing.METRICS)


@pytest.mark.parametrize(
    "path", ["", "/", "/v1", "/v1/vaults//", "/v1//vaults", f"{ITEM}/things", f"{ITEM}/files/f/content/x", "/v1/health", "//"]
)
def test_anything_else_is_unknown(path: str) -> None:
    assert resolve(path).template in {routing.UNKNOWN, routing.VAULT}
    assert "items" not in resolve(path).template
