"""The official Go client works against the embedded server as it is, and tells its errors apart."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from contract.official_clients import CONTENT, Answers, ServedClients, fields, result


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedClients]:
    served = ServedClients(tmp_path_factory.mktemp("go"))
    yield served
    served.stop()


@pytest.fixture(scope="module")
def answers(served: ServedClients) -> Answers:
    return served.go()


def test_every_method_of_the_client_was_called(answers: Answers) -> None:
    assert set(result(answers, "methods")) <= set(answers)


def test_vaults_are_found_by_id_and_by_name_in_any_case(answers: Answers, served: ServedClients) -> None:
    assert [vault["name"] for vault in result(answers, "GetVaults")] == ["Official Clients", "Other"]
    for call in ("GetVault", "GetVaultByUUID", "GetVaultByTitle"):
        assert (result(answers, call)["id"], result(answers, call)["items"]) == (served.vault, 6)
    assert result(answers, "GetVaultsByTitle") == []


def test_items_are_found_by_id_and_title_with_whatever_is_in_it(answers: Answers, served: ServedClients) -> None:
    assert len(result(answers, "GetItems")) == 6
    assert "fields" not in result(answers, "GetItems")[0]
    assert result(answers, "GetItem")["title"] == "a & b + c"
    assert result(answers, "GetItem: a title like an ID")["title"] == "twentysixlettersinthistitl"
    assert len({item["id"] for item in result(answers, "GetItemsByTitle")}) == 2
    for call in ("GetItemByUUID", "GetItemByTitle"):
        item = result(answers, call)
        assert (item["id"], item["tags"], item["urls"][0]["label"]) == (served.item, ["k8s", "team-a"], "website")
        assert fields(item)["password"]["value"] == "fake-password"
        assert fields(item)["password"]["entropy"] > 0
        assert len(fields(item)["code"]["totp"]) == 6


def test_files_are_listed_read_and_downloaded(answers: Answers, served: ServedClients, tmp_path: Path) -> None:
    (listed,) = result(answers, "GetFiles")
    assert (listed["name"], listed["size"], listed["section"]) == ("ca.pem", len(CONTENT), {"id": "net"})
    assert result(answers, "GetFile") == listed
    assert result(answers, "GetFileContent") == CONTENT
    assert result(answers, "DownloadFile") == "/ca.pem"


def test_an_item_is_created_changed_and_deleted(answers: Answers, served: ServedClients) -> None:
    created, updated = result(answers, "CreateItem"), result(answers, "UpdateItem")
    assert (created["version"], created["tags"], created["sections"]) == (1, ["a", "b"], [{"id": "more", "label": "more"}])
    assert set(fields(created)["password"]["value"]) <= set("23456789")
    assert len(fields(created)["password"]["value"]) == 20
    assert (updated["id"], updated["version"], updated["title"], "tags" in updated) == (created["id"], 2, "from go, changed", False)
    assert fields(updated)["password"]["value"] == fields(created)["password"]["value"]
    for call in ("DeleteItem", "DeleteItemByID", "DeleteItemByTitle"):
        assert answers[call]["error"] is None
    items = next(vault for vault in served.connect.admin("GET", "vaults") if vault["id"] == served.vault)["items"]
    assert len(items) == 6


def test_configuration_is_loaded_from_items(answers: Answers) -> None:
    loaded = result(answers, "LoadStruct")
    assert (loaded["User"], loaded["Port"], loaded["Section"]) == ("fake-user", 5432, {"id": "net", "label": "network"})
    assert (loaded["Site"]["href"], loaded["Database"]["category"]) == ("https://login.example", "DATABASE")
    for call in ("LoadStructFromItem", "LoadStructFromItemByTitle", "LoadStructFromItemByUUID"):
        assert result(answers, call) == {"User": "fake-user", "Port": 5432}


@pytest.mark.parametrize(
    ("call", "status", "message"),
    [
        ("error 400", 400, "Invalid filter"),
        ("error 401", 401, "Invalid bearer token"),
        ("error 403", 403, "Authorization: token does not have access to vault"),
        ("error 403 for a write", 403, "does not have permission to perform create on vault"),
        ("error 404", 404, f"item {'a' * 26} not found"),
        ("error 413", 413, "too large"),
    ],
)
def test_a_refusal_is_the_clients_own_error_with_status_and_message(answers: Answers, call: str, status: int, message: str) -> None:
    error = answers[call]["error"]
    assert (error["typed"], error["status"]) == (True, status)
    assert message in error["message"]


def test_without_the_version_header_the_client_refuses_its_file_functions(tmp_path: Path) -> None:
    served = ServedClients(tmp_path, "--set", "version=")
    answers = served.go()
    served.stop()
    assert answers["GetItemByUUID"]["error"] is None
    assert "need at least version 1.3.0 of Connect" in answers["GetFiles"]["error"]["message"]


def test_the_client_names_itself_in_the_activity_log(answers: Answers, served: ServedClients) -> None:
    agents = {record["actor"]["userAgent"] for record in served.connect.ask("GET", "/v1/activity?limit=1000")}
    assert {"connect-sdk-go/1.5.3", "reader/1"} <= agents
