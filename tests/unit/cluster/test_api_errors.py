"""Status objects and the leaves they become."""

from typing import Any

import msgspec
import pytest

from onepassword_operator.cluster.api_errors import LONGEST_PAUSE_SECONDS, Status, asked_pause_seconds, to_error
from onepassword_operator.model.errors import (
    ClusterAbsentError,
    ClusterAdmissionError,
    ClusterConflictError,
    ClusterDeniedError,
    ClusterError,
    ClusterExpiredError,
    ClusterInvalidError,
    ClusterQuotaError,
    ClusterTerminatingError,
    ClusterUnavailableError,
)

OWNER_REFERENCES = "cannot set an ownerRef on a resource you can't delete"
CASES: list[tuple[int, dict[str, Any], type[ClusterError]]] = [
    (401, {}, ClusterDeniedError),
    (403, {"message": 'secrets is forbidden: User "x" cannot create resource'}, ClusterDeniedError),
    (403, {"message": "x is forbidden: exceeded quota: q, requested: secrets=1"}, ClusterQuotaError),
    (403, {"message": 'admission webhook "w" denied the request: canary'}, ClusterAdmissionError),
    (403, {"message": "x is forbidden: ValidatingAdmissionPolicy 'p' denied request: is forbidden: User "}, ClusterAdmissionError),
    (403, {"message": "a plugin's own words"}, ClusterAdmissionError),
    (403, {"message": f'secrets "x" is forbidden: {OWNER_REFERENCES}: canary'}, ClusterDeniedError),
    (403, {"message": f'admission webhook "w" denied: is forbidden: {OWNER_REFERENCES}'}, ClusterAdmissionError),
    (403, {}, ClusterAdmissionError),
    (403, {"details": {"causes": [{"reason": "NamespaceTerminating"}]}}, ClusterTerminatingError),
    (404, {"reason": "NotFound"}, ClusterAbsentError),
    (410, {"reason": "Expired"}, ClusterExpiredError),
    (409, {"reason": "AlreadyExists"}, ClusterConflictError),
    (422, {"details": {"causes": [{"field": "data[x]", "reason": "FieldValueInvalid", "message": "canary"}]}}, ClusterInvalidError),
    (422, {"details": {"causes": ["odd", {"message": "canary"}]}, "reason": "Invalid"}, ClusterAdmissionError),
    (422, {"details": {"causes": [{"field": "data.canary", "reason": "canary"}]}}, ClusterInvalidError),
    (422, {"details": {"causes": [{"field": "data[canary]", "reason": "FieldValueRequired"}]}}, ClusterInvalidError),
    (422, {"details": {"causes": [{"field": "canary", "reason": "FieldValueInvalid"}]}}, ClusterAdmissionError),
    (400, {"message": "canary", "reason": "canary"}, ClusterAdmissionError),
    (599, {"reason": "the password canary is too weak"}, ClusterUnavailableError),
    (413, {}, ClusterAdmissionError),
    (429, {"reason": "TooManyRequests"}, ClusterUnavailableError),
    (500, {"reason": "InternalError", "message": "canary"}, ClusterUnavailableError),
    (504, {"details": None}, ClusterUnavailableError),
]


def body(status: object) -> Status:
    return Status.read(msgspec.json.encode(status))


@pytest.mark.parametrize(("code", "status", "kind"), CASES)
def test_a_refusal_is_translated_and_never_quotes(code: int, status: dict[str, Any], kind: type[ClusterError]) -> None:
    error = to_error(code, body(status), what="create secrets")
    assert type(error) is kind
    assert str(error).startswith("create secrets: ")
    assert "canary" not in str(error)


@pytest.mark.parametrize(
    "odd", [None, 5, True, "x", ["x"], {"a": 1}, {"causes": 5}, {"causes": {"a": 1}}, {"causes": [None, 5, {"field": 5, "reason": []}]}]
)
@pytest.mark.parametrize("member", ["reason", "message", "details"])
def test_an_odd_status_is_read_all_the_same(member: str, odd: object) -> None:
    assert isinstance(to_error(403, body({member: odd}), what="x"), ClusterAdmissionError)


@pytest.mark.parametrize("raw", [b"", b"<html>", b"[]", b"null", b'"\xff"', b"[" * 100_000])
def test_a_body_that_is_no_status_says_nothing(raw: bytes) -> None:
    assert Status.read(raw) == Status()


@pytest.mark.parametrize(
    ("where", "said"),
    [("at the cluster scope", "in all namespaces"), ('in the namespace "shop"', 'in namespace "shop"')],
)
def test_a_right_that_rbac_does_not_grant_is_named_with_its_user_and_place(where: str, said: str) -> None:
    user = "system:serviceaccount:ops:onepassword"
    message = f'secrets is forbidden: User "{user}" cannot list resource "secrets" in API group "" {where}: canary'
    assert str(to_error(403, Status(message=message), what="list secrets")) == (
        f"list secrets: RBAC does not allow {user} to list secrets {said}; "
        "grant it to the operator's service account, as deploy/rbac.yaml and the chart do"
    )


def test_a_field_that_is_refused_is_named_and_so_is_the_value_that_grants_the_right_for_owner_references() -> None:
    message = f'secrets "x" is forbidden: {OWNER_REFERENCES}: , <nil>'
    assert "operator.ownerReferencesEnforced" in str(to_error(403, Status(message=message), what="update secrets"))
    causes = [{"field": "type", "reason": "canary"}, *[{"field": "data[tls.crt]", "reason": "FieldValueInvalid"}] * 2]
    assert "refuses data[tls.crt] (FieldValueInvalid), type;" in str(to_error(422, body({"details": {"causes": causes}}), what="x"))


@pytest.mark.parametrize(
    ("keys", "needed"),
    [(["tls.key", "tls.crt"], 'the keys "tls.crt" and "tls.key"'), ([".dockerconfigjson"], 'the key ".dockerconfigjson"')],
)
def test_keys_that_a_type_of_secret_needs_are_named_as_labels_of_fields(keys: list[str], needed: str) -> None:
    causes = [{"field": f"data[{key}]", "reason": "FieldValueRequired"} for key in keys]
    said = str(to_error(422, body({"details": {"causes": causes}}), what="create secrets"))
    assert said.startswith(f"create secrets: a Secret of this type needs {needed}; label fields of the item so in 1Password")


def test_every_status_has_a_leaf_of_the_error_tree() -> None:
    for code in range(300, 600):
        assert type(to_error(code, Status(), what="x")).reason


@pytest.mark.parametrize(
    ("header", "seconds"),
    [(None, None), ("", None), ("1", 1.0), (" 30 ", 30.0), ("99999", LONGEST_PAUSE_SECONDS), ("-1", None), ("soon", None)],
)
def test_a_pause_is_kept_as_asked_up_to_a_minute(header: str | None, seconds: float | None) -> None:
    assert asked_pause_seconds(header) == seconds


def test_only_at_the_door_is_a_request_turned_away() -> None:
    errors = {code: to_error(code, Status(), what="x") for code in (429, 500, 503)}
    assert [code for code, error in errors.items() if isinstance(error, ClusterUnavailableError) and error.turned_away] == [429]
