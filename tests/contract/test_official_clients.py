"""1Password's own clients work against the embedded server as they are, and their errors are what the server said."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from contract.official_clients import CONTENT, ServedClients

NAMES: Final = ("go", "javascript", "python")
CALLS: Final = {
    "vaults": ("GetVaults", "listVaults", "get_vaults"),
    "vault": ("GetVault GetVaultByUUID GetVaultByTitle", "getVault getVaultById", "get_vault get_vault_by_title"),
    "items": ("GetItems", "listItems", "get_items"),
    "item": ("GetItemByUUID GetItemByTitle", "getItem getItemById", "get_item get_item_by_id get_item_by_title"),
    "files": ("GetFiles", "listFiles", "get_files"),
    "file": ("GetFile", "getFileById", "get_file"),
    "content": ("GetFileContent", "getFileContent getFileContentStream", "get_file_content"),
    "created": ("CreateItem", "createItem", "create_item"),
    "updated": ("UpdateItem", "updateItem", "update_item"),
    "deleted": ("DeleteItem DeleteItemByID DeleteItemByTitle", "deleteItem deleteItemById deleteItemByTitle", "delete_item"),
}
"""By what is asked for: the methods of each client for that."""
REFUSALS: Final = {
    "error 401": "Invalid bearer token",
    "error 403": "Authorization: token does not have access to vault",
    "error 403 for a write": "does not have permission to perform create on vault",
    "error 404": f"item {'a' * 26} not found",
    "error 413": "too large",
}


class Client:
    """A client that has called everything, and the server that it called."""

    def __init__(self, kind: str, folder: Path) -> None:
        self.served = ServedClients(folder)
        self.name, _, self.form = kind.partition(", ")
        self.answers = self.served.answers(self.name, self.form)

    def result(self, call: str) -> Any:
        """What a call that succeeded returned."""
        assert self.answers[call]["error"] is None, self.answers[call]["error"]
        return self.answers[call]["result"]

    def results(self, asked_for: str) -> list[Any]:
        """What every method for that returned."""
        return [self.result(call) for call in CALLS[asked_for][NAMES.index(self.name)].split()]

    def error(self, call: str) -> Any:
        return self.answers[call]["error"]


def fields(item: Any) -> dict[str, Any]:
    """An item's fields by label."""
    return {field["label"]: field for field in item["fields"]}


PYTHON: Final = ["python, sync", "python, async"]


@pytest.fixture(scope="module", params=["go", "javascript", *PYTHON])
def client(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    client = Client(request.param, tmp_path_factory.mktemp("client"))
    yield client
    client.served.stop()


def only(*kinds: str) -> pytest.MarkDecorator:
    """Of the clients these."""
    return pytest.mark.parametrize("client", kinds, indirect=True)


def test_every_method_of_the_client_was_called(client: Client) -> None:
    methods = client.result("methods")
    assert len(methods) > 12
    assert set(methods) <= set(client.answers)


def test_vaults_are_found_by_id_and_by_name_in_any_case(client: Client) -> None:
    (vaults,) = client.results("vaults")
    assert [vault["name"] for vault in vaults] == ["Official Clients", "Other"]
    for vault in client.results("vault"):
        assert (vault["id"], vault["items"], vault["type"]) == (client.served.vault, 6, "USER_CREATED")


def test_items_are_found_by_id_and_title(client: Client) -> None:
    (items,) = client.results("items")
    assert len(items) == 6
    assert not items[0].get("fields")
    for item in client.results("item"):
        assert (item["id"], item["version"], item["tags"]) == (client.served.item, 1, ["k8s", "team-a"])
        assert (item["urls"][0]["href"], fields(item)["password"]["value"]) == ("https://login.example", "fake-password")


def test_files_are_listed_read_and_downloaded(client: Client) -> None:
    ((listed,),) = client.results("files")
    assert client.results("file") == [listed]
    assert (listed["name"], listed["size"]) == ("ca.pem", len(CONTENT))
    assert client.name == "python" or listed["section"] == {"id": "net"}, "the Python client leaves sections of files out"
    assert set(client.results("content")) == {CONTENT}


def test_an_item_is_created_changed_and_deleted(client: Client) -> None:
    (created,), (updated,) = client.results("created"), client.results("updated")
    password = fields(created)["password"]["value"]
    assert (created["version"], created["tags"], len(password), set(password) <= set("23456789")) == (1, ["a", "b"], 20, True)
    assert (updated["id"], updated["version"], updated.get("tags")) == (created["id"], 2, None)
    assert (updated["title"], fields(updated)["password"]["value"]) == (f"from {client.name}, changed", password)
    assert set(client.results("deleted")) == {None}
    items = next(vault for vault in client.served.connect.admin("GET", "vaults") if vault["id"] == client.served.vault)["items"]
    assert len(items) == 6


@pytest.mark.parametrize("call", ["error 400", *REFUSALS])
def test_a_refusal_is_the_clients_own_error_with_status_and_message(client: Client, call: str) -> None:
    status, error = int(call.split()[1]), client.error(call)
    message = REFUSALS.get(call, "Invalid Vault UUID" if client.name == "javascript" else "Invalid filter")
    assert message in error["message"]
    if client.name == "python":
        assert error["type"] == f"FailedToRetrieve{'Vault' if status in {400, 401} else 'Item'}Exception"
        assert f"Received {status}" in error["message"]
        assert error["status"] in ({None, status} if status != 404 else {404})  # the client tells it for single items only
    else:
        assert error["status"] == status


@only("go")
def test_the_go_client_finds_items_whatever_is_in_their_titles(client: Client) -> None:
    assert client.result("GetVaultsByTitle") == []
    assert client.result("GetItem")["title"] == "a & b + c"
    assert client.result("GetItem: a title like an ID")["title"] == "twentysixlettersinthistitl"
    assert len({item["id"] for item in client.result("GetItemsByTitle")}) == 2
    found = client.result("GetItemByUUID")
    assert (fields(found)["password"]["entropy"] > 0, len(fields(found)["code"]["totp"]), found["urls"][0]["label"]) == (True, 6, "website")
    assert client.result("CreateItem")["sections"] == [{"id": "more", "label": "more"}]
    assert client.result("DownloadFile") == "/ca.pem"
    assert all(client.error(call)["typed"] for call in REFUSALS)


@only("go")
def test_the_go_client_loads_configuration_from_items(client: Client) -> None:
    loaded = client.result("LoadStruct")
    assert (loaded["User"], loaded["Port"], loaded["Section"]) == ("fake-user", 5432, {"id": "net", "label": "network"})
    assert (loaded["Site"]["href"], loaded["Database"]["category"]) == ("https://login.example", "DATABASE")
    for call in ("LoadStructFromItem", "LoadStructFromItemByTitle", "LoadStructFromItemByUUID"):
        assert client.result(call) == {"User": "fake-user", "Port": 5432}


@only("go")
def test_the_go_client_names_itself_in_the_activity_log(client: Client) -> None:
    agents = {record["actor"]["userAgent"] for record in client.served.connect.ask("GET", "/v1/activity?limit=1000")}
    assert {"connect-sdk-go/1.5.3", "reader/1"} <= agents


def test_without_the_version_header_the_go_client_refuses_its_file_functions(tmp_path: Path) -> None:
    served = ServedClients(tmp_path, "--set", "version=")
    answers = served.answers("go")
    served.stop()
    assert answers["GetItemByUUID"]["error"] is None
    assert "need at least version 1.3.0 of Connect" in answers["GetFiles"]["error"]["message"]


@only("javascript")
def test_the_javascript_client_finds_items_by_a_part_of_the_title(client: Client) -> None:
    assert [vault["id"] for vault in client.result("listVaultsByTitle")] == [client.served.vault]
    assert client.result("getVaultByTitle")["name"] == "Other"
    assert [item["title"] for item in client.result("listItemsByTitle")] == ["twins", "twins"]
    assert [item["title"] for item in client.result("listItemsByTitleContains")] == ["twins", "twins", "twin of none"]
    assert fields(client.result("getItemByTitle"))["hostname"]["value"] == "db.example"
    assert client.result("createItem")["favorite"] is True


@only("javascript")
def test_the_javascript_client_reads_a_one_time_password(client: Client) -> None:
    code = client.result("getItemOTP")
    assert (code.isdigit(), len(code)) == (True, 6)


@only("javascript")
def test_the_javascript_clients_errors_are_the_servers_objects_also_those_that_it_decides_itself(client: Client) -> None:
    body, gone = client.error("error 400 for a body"), [client.error(f"deleteItem{by}: gone")["status"] for by in ("ById", "ByTitle")]
    assert (body["status"], body["message"], gone) == (400, "Creating items of category CUSTOM is not supported", [404, 404])
    assert [client.error(f"error of the client: {what}")["status"] for what in ("none", "several")] == [404, 400]
    assert all(set(client.error(call)) == {"status", "message"} for call in REFUSALS)


@only(*PYTHON)
def test_the_python_client_filters_items_and_downloads_files(client: Client) -> None:
    assert [item["title"] for item in client.result("get_items: filtered")] == ["web login"]
    assert client.result("get_item: a title like an ID")["title"] == "twentysixlettersinthistitl"
    assert client.result("download_file") is None
    assert client.result("downloaded") == {"ca.pem": CONTENT}


@only("python, sync")
def test_the_python_client_loads_configuration_from_items_in_its_synchronous_form(client: Client) -> None:
    assert client.result("load_dict") == client.result("load") == {"user": "fake-user", "port": "5432"}
