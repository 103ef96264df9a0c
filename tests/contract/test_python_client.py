"""The official Python client, synchronous and asynchronous, works against the embedded server as it is, and tells its errors apart."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from contract.official_clients import CONTENT, Answers, ServedClients, fields, result


@pytest.fixture(scope="module", params=["sync", "async"])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory, kind: str) -> Iterator[ServedClients]:
    served = ServedClients(tmp_path_factory.mktemp(kind))
    yield served
    served.stop()


@pytest.fixture(scope="module")
def answers(served: ServedClients, kind: str) -> Answers:
    return served.python(kind)


def test_every_method_of_the_client_was_called(answers: Answers) -> None:
    assert set(result(answers, "methods")) <= set(answers)


def test_vaults_are_found_by_id_and_by_name_in_any_case(answers: Answers, served: ServedClients) -> None:
    assert [vault["name"] for vault in result(answers, "get_vaults")] == ["Official Clients", "Other"]
    for call in ("get_vault", "get_vault_by_title"):
        assert (result(answers, call)["id"], result(answers, call)["type"]) == (served.vault, "USER_CREATED")


def test_items_are_found_by_id_title_and_filter(answers: Answers, served: ServedClients) -> None:
    assert len(result(answers, "get_items")) == 6
    assert [item["title"] for item in result(answers, "get_items: filtered")] == ["web login"]
    assert result(answers, "get_item: a title like an ID")["title"] == "twentysixlettersinthistitl"
    for call in ("get_item", "get_item_by_id", "get_item_by_title"):
        item = result(answers, call)
        assert (item["id"], item["version"], item["tags"]) == (served.item, 1, ["k8s", "team-a"])
        assert fields(item)["password"]["value"] == "fake-password"


def test_files_are_listed_read_and_downloaded(answers: Answers) -> None:
    (listed,) = result(answers, "get_files")
    assert result(answers, "get_file") == listed
    assert (listed["name"], listed["size"]) == ("ca.pem", len(CONTENT))
    assert result(answers, "get_file_content") == CONTENT
    assert answers["download_file"]["error"] is None
    assert result(answers, "downloaded") == {"ca.pem": CONTENT}


def test_an_item_is_created_changed_and_deleted(answers: Answers, served: ServedClients) -> None:
    created, updated = result(answers, "create_item"), result(answers, "update_item")
    assert (created["version"], created["tags"]) == (1, ["a", "b"])
    assert len(fields(created)["password"]["value"]) == 20
    assert set(fields(created)["password"]["value"]) <= set("23456789")
    assert (updated["version"], updated["title"], updated["tags"]) == (2, "from python, changed", None)
    assert answers["delete_item"]["error"] is None
    items = next(vault for vault in served.connect.admin("GET", "vaults") if vault["id"] == served.vault)["items"]
    assert len(items) == 6


def test_configuration_is_loaded_from_items(answers: Answers, kind: str) -> None:
    if kind == "async":
        assert "load" not in answers, "the client loads configuration in its synchronous form only"
        return
    assert result(answers, "load_dict") == result(answers, "load") == {"user": "fake-user", "port": "5432"}


@pytest.mark.parametrize(
    ("call", "error_type", "status", "message"),
    [
        ("error 400", "FailedToRetrieveVaultException", 400, "Invalid filter"),
        ("error 401", "FailedToRetrieveVaultException", 401, "Invalid bearer token"),
        ("error 403", "FailedToRetrieveItemException", 403, "Authorization: token does not have access to vault"),
        ("error 403 for a write", "FailedToRetrieveItemException", 403, "does not have permission to perform create on vault"),
        ("error 404", "FailedToRetrieveItemException", 404, f"item {'a' * 26} not found"),
        ("error 413", "FailedToRetrieveItemException", 413, "too large"),
    ],
)
def test_a_refusal_is_the_clients_own_error_with_status_and_message(
    answers: Answers, call: str, error_type: str, status: int, *, message: str
) -> None:
    error = answers[call]["error"]
    assert error["type"] == error_type
    assert error["status"] in {None, status}  # the client tells it for single items only
    assert f"Received {status}" in error["message"]
    assert message in error["message"]


def test_the_client_knows_a_missing_single_item_by_its_status(answers: Answers) -> None:
    assert answers["error 404"]["error"]["status"] == 404
