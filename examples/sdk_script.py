"""Creates, reads, changes and deletes an item with 1Password's own Connect client.

    OP_CONNECT_HOST=http://127.0.0.1:8090 OP_CONNECT_TOKEN=... python sdk_script.py

Needs `onepasswordconnectsdk`. No value is printed.
"""

from onepasswordconnectsdk import load_dict
from onepasswordconnectsdk.client import new_client_from_environment
from onepasswordconnectsdk.models import Field, GeneratorRecipe, Item, ItemVault

TITLE = "sdk script"


def main() -> None:
    """The whole life of an item."""
    client = new_client_from_environment()
    vault = client.get_vaults()[0]
    recipe = GeneratorRecipe(length=24, character_sets=["LETTERS", "DIGITS"])
    fields = [
        Field(purpose="USERNAME", value="fake-user"),
        Field(purpose="PASSWORD", type="CONCEALED", generate=True, recipe=recipe),
    ]
    created = client.create_item(
        vault.id, Item(title=TITLE, category="LOGIN", vault=ItemVault(id=vault.id), fields=fields)
    )
    print(f"created {created.title!r} in {vault.name!r}, version {created.version}")

    found = client.get_item(TITLE, vault.id)
    print("the same by its title:", found.id == created.id)
    wanted = {"password": {"opitem": TITLE, "opfield": ".password", "opvault": vault.id}}
    print(
        "as configuration:",
        f"a password of {len(load_dict(client, wanted)['password'])} characters",
    )

    found.tags = ["rotated"]
    print("changed, version", client.update_item(found.id, vault.id, found).version)
    client.delete_item(found.id, vault.id)
    print("deleted, left of it:", len(client.get_items(vault.id, f'title eq "{TITLE}"')))


if __name__ == "__main__":
    main()
