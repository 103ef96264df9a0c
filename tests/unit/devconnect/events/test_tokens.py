"""Tokens of the Events API."""

from typing import Any

import pytest

from onepassword_operator.devconnect.auth.signing import SigningKey
from onepassword_operator.devconnect.auth.tokens import EVERY_VAULT, MODES, Tokens
from onepassword_operator.devconnect.behaviour import Behaviour
from onepassword_operator.devconnect.errors import ApiError
from onepassword_operator.devconnect.events.records import FEATURES
from onepassword_operator.devconnect.events.tokens import EventTokens


@pytest.fixture
def tokens(clock: Any, behaviour: Behaviour) -> Tokens:
    return Tokens(SigningKey.make(), clock=clock, behaviour=behaviour)


@pytest.fixture
def event_tokens(tokens: Tokens, clock: Any, behaviour: Behaviour) -> EventTokens:
    return EventTokens(tokens, clock=clock, behaviour=behaviour)


def refused(event_tokens: EventTokens, token: str) -> bool:
    with pytest.raises(ApiError) as error:
        event_tokens.verify(f"Bearer {token}")
    return error.value.status == 401


def test_a_token_opens_its_features_only(event_tokens: EventTokens, clock: Any) -> None:
    grant = event_tokens.verify(f"Bearer {event_tokens.mint(['itemusages'])}")
    assert (grant.features, grant.issued_at) == (("itemusages",), int(clock()))
    grant.check("itemusages")
    with pytest.raises(ApiError) as error:
        grant.check("auditevents")
    assert error.value.status == 401


def test_without_a_list_it_has_every_feature(event_tokens: EventTokens) -> None:
    assert event_tokens.verify(f"Bearer {event_tokens.mint()}").features == FEATURES


def test_tokens_of_connect_and_of_the_events_are_no_good_for_each_other(tokens: Tokens, event_tokens: EventTokens) -> None:
    assert refused(event_tokens, tokens.mint({EVERY_VAULT: MODES["rw"]}))
    with pytest.raises(ApiError):
        tokens.verify(f"Bearer {event_tokens.mint()}")


def test_it_ends_when_told_and_is_revoked_as_any_other(tokens: Tokens, event_tokens: EventTokens, clock: Any) -> None:
    brief, revoked = event_tokens.mint(expires_in_seconds=60), event_tokens.mint()
    event_tokens.verify(f"Bearer {brief}")
    clock.advance(60)
    assert refused(event_tokens, brief)
    tokens.revoke(tokens.token_id(revoked))
    assert refused(event_tokens, revoked)


@pytest.mark.parametrize("features", [[], ["vaultaccess"], ["auditevents", ""]])
def test_a_feature_that_is_none_is_not_given(event_tokens: EventTokens, features: list[str]) -> None:
    with pytest.raises(ValueError, match="auditevents, itemusages, signinattempts"):
        event_tokens.mint(features)


def test_where_any_token_is_good_it_is_good_for_everything(event_tokens: EventTokens, behaviour: Behaviour) -> None:
    behaviour.update({"any_token": True})
    assert event_tokens.verify("Bearer whatever").features == FEATURES
