"""The table of endpoints."""

from onepassword_operator.devconnect.rest import routes, routing


def test_there_are_the_fifteen_endpoints_of_connect() -> None:
    assert len(routes.API_ROUTES) + len(routing.OPEN) == 15


def test_a_405_lists_what_would_be_right() -> None:
    assert routes.methods(routing.ITEMS) == "GET, POST"
    assert routes.methods(routing.HEALTH) == "GET"
