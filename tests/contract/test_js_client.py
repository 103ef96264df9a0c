"""The official JavaScript client works against the embedded server as it is, and its errors are what the server said."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from contract.official_clients import CONTENT, Answers, ServedClients, fields, result


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedClients]:
    served = ServedClients(tmp_path_factory.mktemp("js"))
    yield served
    served.stop()


@pytest.fixture(scope="module")
def answers(served: ServedClients) -> Answers:
    return served.javascript()


def test_every_method_of_the_client_was_called(answers: Answers) -> None:
    methods = result(answers, "methods")
    assert len(methods) > 15
    assert set(methods) <= set(answers)


def test_vaults_are_found_by_id_and_by_name_in_any_case(answers: Answers, served: ServedClients) -> None:
    assert [vault["name"] for vault in result(answers, "listVaults")] == ["Official Clients", "Other"]
    assert [vault["id"] for vault in result(answers, "listVaultsByTitle")] == [served.vault]
    for call in ("getVault", "getVaultById"):
        assert (result(answers, call)["id"], result(answers, call)["items"]) == (served.vault, 6)
    assert result(answers, "getVaultByTitle")["name"] == "Other"


def test_items_are_found_by_id_by_title_and_by_a_part_of_it(answers: Answers, served: ServedClients) -> None:
    assert len(result(answers, "listItems")) == 6
    assert "fields" not in result(answers, "listItems")[0]
    assert [item["title"] for item in result(answers, "listItemsByTitle")] == ["twins", "twins"]
    assert [item["title"] for item in result(answers, "listItemsByTitleContains")] == ["twins", "twins", "twin of none"]
    assert fields(result(answers, "getItemByTitle"))["hostname"]["value"] == "db.example"
    for call in ("getItem", "getItemById"):
        item = result(answers, call)
        assert (item["id"], item["version"], item["tags"]) == (served.item, 1, ["k8s", "team-a"])
        assert fields(item)["password"]["value"] == "fake-password"


def test_a_one_time_password_is_read_from_the_item(answers: Answers) -> None:
    code = result(answers, "getItemOTP")
    assert code.isdigit()
    assert len(code) == 6


def test_files_are_listed_and_read_whole_and_as_a_stream(answers: Answers) -> None:
    (listed,) = result(answers, "listFiles")
    assert result(answers, "getFileById") == listed
    assert (listed["name"], listed["size"]) == ("ca.pem", len(CONTENT))
    assert result(answers, "getFileContent") == result(answers, "getFileContentStream") == CONTENT


def test_an_item_is_created_changed_and_deleted(answers: Answers, served: ServedClients) -> None:
    created, updated = result(answers, "createItem"), result(answers, "updateItem")
    assert (created["version"], created["tags"], created["favorite"]) == (1, ["a", "b"], True)
    assert len(fields(created)["password"]["value"]) == 20
    assert set(fields(created)["password"]["value"]) <= set("23456789")
    assert (updated["version"], updated["title"], updated.get("tags")) == (2, "from javascript, changed", None)
    for call in ("deleteItem", "deleteItemById", "deleteItemByTitle"):
        assert result(answers, call) is None
    for call in ("deleteItemById: gone", "deleteItemByTitle: gone"):
        assert answers[call]["error"]["status"] == 404
    items = next(vault for vault in served.connect.admin("GET", "vaults") if vault["id"] == served.vault)["items"]
    assert len(items) == 6


@pytest.mark.parametrize(
    ("call", "status", "message"),
    [
        ("error 400", 400, "Invalid Vault UUID"),
        ("error 400 for a body", 400, "Creating items of category CUSTOM is not supported"),
        ("error 401", 401, "Invalid bearer token"),
        ("error 403", 403, "Authorization: token does not have access to vault"),
        ("error 403 for a write", 403, "does not have permission to perform create on vault"),
        ("error 404", 404, f"item {'a' * 26} not found"),
        ("error 413", 413, "too large"),
    ],
)
def test_an_error_of_the_client_is_the_servers_object(answers: Answers, call: str, status: int, *, message: str) -> None:
    error = answers[call]["error"]
    assert set(error) == {"status", "message"}
    assert error["status"] == status
    assert message in error["message"]


def test_what_the_client_decides_itself_looks_the_same(answers: Answers) -> None:
    assert [answers[f"error of the client: {what}"]["error"]["status"] for what in ("none", "several")] == [404, 400]
