"""Bearer tokens."""

import base64
import json
from typing import Any

import pytest

from onepassword_operator.devconnect.auth.signing import SigningKey
from onepassword_operator.devconnect.auth.tokens import EVERY_VAULT, MODES, Tokens
from onepassword_operator.devconnect.behaviour import Behaviour
from onepassword_operator.devconnect.errors import ApiError

VAULT, OTHER = "v" * 26, "o" * 26
VAULTS = "1password.com/vts"


@pytest.fixture
def tokens(clock: Any) -> Tokens:
    return Tokens(SigningKey.make(), clock=clock, behaviour=Behaviour())


def decoded(part: str) -> Any:
    return json.loads(base64.urlsafe_b64decode(part + "=="))


def refusal(tokens: Tokens, authorization: str | None) -> str:
    with pytest.raises(ApiError, check=lambda error: error.status == 401) as refused:
        tokens.verify(authorization)
    return refused.value.message


def test_the_claims_carry_connects_names_and_masks(tokens: Tokens) -> None:
    token = tokens.mint({VAULT: MODES["r"], OTHER: MODES["rw"]}, expires_in_seconds=60)
    header, claims = map(decoded, token.split(".")[:2])
    assert (set(header), header["alg"]) == ({"alg", "kid", "typ"}, "ES256")
    assert len(base64.urlsafe_b64decode(token.split(".")[2] + "==")) == 64
    assert claims[VAULTS] == [{"u": VAULT, "a": 48}, {"u": OTHER, "a": 496}]
    assert claims["aud"] == ["com.1password.connect"]
    assert {"iss", "sub", "jti", "iat", "exp", "1password.com/auuid", "1password.com/token", "1password.com/fts"} <= set(claims)
    assert int(MODES["w"]) == 448


def test_a_token_opens_its_vaults_in_its_mode_only(tokens: Tokens) -> None:
    grant = tokens.verify("Bearer " + tokens.mint({VAULT: MODES["r"]}))
    grant.check(VAULT, MODES["r"], action="read")
    for vault, needed in ((VAULT, MODES["w"]), (OTHER, MODES["r"])):
        with pytest.raises(ApiError, check=lambda error: error.status == 403):
            grant.check(vault, needed, action="update")


def test_a_token_for_every_vault_opens_later_ones_too(tokens: Tokens) -> None:
    tokens.verify("bearer " + tokens.mint({EVERY_VAULT: MODES["rw"]})).check("n" * 26, MODES["rw"], action="read")


@pytest.mark.parametrize(
    "authorization", [None, "", "Bearer", "Bearer ", "Basic abc", "Bearer abc", "Bearer a.b.c", "Bearer é.b.c", "Bearer W10.W10.W10"]
)
def test_a_missing_or_malformed_token_is_invalid(tokens: Tokens, authorization: str | None) -> None:
    assert refusal(tokens, authorization) == "Invalid bearer token"


def test_another_servers_token_and_a_changed_one_have_a_wrong_signature_and_an_unsigned_one_is_invalid(tokens: Tokens, clock: Any) -> None:
    token = tokens.mint({VAULT: MODES["r"]})
    header, claims, signature = token.split(".")
    wider = decoded(claims) | {VAULTS: [{"u": VAULT, "a": 496}]}
    changed = base64.urlsafe_b64encode(json.dumps(wider).encode()).decode().rstrip("=")
    others = Tokens(SigningKey.make(), clock=clock, behaviour=Behaviour()).mint({VAULT: MODES["r"]})
    for wrong in (others, f"{header}.{changed}.{signature}", f"{header}.{claims}."):
        assert refusal(tokens, f"Bearer {wrong}") == "Invalid token signature"
    unsigned = base64.urlsafe_b64encode(b'{"alg":"none"}').decode().rstrip("=")
    assert refusal(tokens, f"Bearer {unsigned}.{claims}.") == "Invalid bearer token"


def test_a_token_ends_at_its_expiry_even_if_it_was_used_before(tokens: Tokens, clock: Any) -> None:
    token = tokens.mint({VAULT: MODES["r"]}, expires_in_seconds=60)
    tokens.verify(f"Bearer {token}")
    clock.advance(60)
    assert refusal(tokens, f"Bearer {token}") == "Invalid bearer token"


def test_a_revoked_token_is_refused_until_it_is_restored(tokens: Tokens) -> None:
    token = tokens.mint({VAULT: MODES["r"]})
    tokens.verify(f"Bearer {token}")
    tokens.revoke(tokens.token_id(token))
    assert refusal(tokens, f"Bearer {token}") == "Invalid bearer token"
    tokens.restore(tokens.token_id(token))
    tokens.verify(f"Bearer {token}")


@pytest.mark.parametrize(
    ("claim", "value"),
    [("aud", ["com.1password.events"]), ("aud", "com.1password.connect"), ("aud", None), ("jti", None), ("exp", "never"), (VAULTS, None)],
)
def test_a_token_of_this_server_for_something_else_is_invalid(tokens: Tokens, claim: str, value: object) -> None:
    claims = decoded(tokens.mint({VAULT: MODES["r"]}).split(".")[1])
    tokens.verify(f"Bearer {tokens.sign(claims)}")
    assert refusal(tokens, f"Bearer {tokens.sign({**claims, claim: value})}") == "Invalid bearer token"


def test_any_token_opens_everything_only_if_told(clock: Any) -> None:
    behaviour = Behaviour()
    tokens = Tokens(SigningKey.make(), clock=clock, behaviour=behaviour)
    assert refusal(tokens, "Bearer anything") == "Invalid bearer token"
    behaviour.update({"any_token": True})
    tokens.verify("Bearer anything").check(VAULT, MODES["rw"], action="read")
    for missing in (None, "Bearer ", "Basic x"):
        assert refusal(tokens, missing) == "Invalid bearer token"


def test_revocations_are_remembered_before_they_count(clock: Any) -> None:
    reported: list[frozenset[str]] = []
    tokens = Tokens(SigningKey.make(), clock=clock, behaviour=Behaviour(), revoked=["old"], remember=reported.append)
    tokens.revoke("new")
    tokens.restore("old")
    assert reported == [{"old", "new"}, {"new"}]

    def fail(_: object) -> None:
        raise OSError("disk full")

    broken = Tokens(SigningKey.make(), clock=clock, behaviour=Behaviour(), remember=fail)
    token = broken.mint({VAULT: MODES["r"]})
    with pytest.raises(OSError, match="disk"):
        broken.revoke(broken.token_id(token))
    broken.verify(f"Bearer {token}")


def test_a_token_has_one_spelling(tokens: Tokens) -> None:
    token = tokens.mint({VAULT: MODES["r"]})
    # The last character of 64 bytes in base64 has four bits to spare; with another filling it stands for the same bytes.
    other = token[:-1] + chr(ord(token[-1]) + 1)
    assert base64.urlsafe_b64decode(other.split(".")[2] + "==") == base64.urlsafe_b64decode(token.split(".")[2] + "==")
    assert refusal(tokens, f"Bearer {other}") == "Invalid bearer token"
