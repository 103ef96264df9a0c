"""Items with fields and files of every kind, recipes over them, and the data that these give."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from onepassword_operator.model.confidential import Confidential
from onepassword_operator.model.item import Field, File, Item, Url
from onepassword_operator.model.recipe import Entry, Part, Recipe, Shape
from onepassword_operator.model.target import Rendering
from onepassword_operator.rules.contents import shape


def field(label: str, value: str, *, id: str = "", section: str = "") -> Field:  # noqa: A002  its name in 1Password
    return Field(label=label, value=Confidential.of_text(value), id=id, section=section)


DB = Item(
    id="db",
    vault_id="v",
    title="db",
    version=1,
    urls=(Url(label="website", href=Confidential(b"canary-url")),),
    fields=(
        field("username", "canary-user", id="f1"),
        field("password", "canary-password", id="f2"),
        field("host", "canary-a", id="f3", section="Primary"),
        field("host", "canary-b", id="f4", section="Replica"),
        field("first name", "canary-first", id="f5", section="Primary"),
        field("nothing", "", id="f6"),
    ),
    files=(File(name="ca.pem", content=Confidential(b"canary-\xff"), id="f7", section="Files"),),
)
API = Item(
    id="api", vault_id="v", title="api", version=1, fields=(field("password", "canary-api", id="g1"), field("token", "canary-token"))
)
REFS = Item(
    id="refs",
    vault_id="v",
    title="refs",
    version=1,
    fields=(
        field("password", "canary-ref", id="h1"),
        dataclasses.replace(field("host", "canary-1", section="one"), section_id="s1"),
        dataclasses.replace(field("host", "canary-2", section="two"), section_id="s2"),
        field("case", "canary-case"),
        field("Case", "canary-Case"),
        field("first name", "canary-name"),
        field("nothing", ""),
        field("Nothing", "canary-other-case"),
        field("token", "canary-below", section="one"),
        field("token", "canary-top"),
    ),
    files=(File(name="ca.pem", content=Confidential(b"canary-file")),),
)
REFERRED = Part("vaults/v/items/refs", by_reference=True)
BOTH = (Part("vaults/v/items/db", "DB_"), Part("vaults/v/items/api", "API_"))


def shaped(*data: Entry, include: Sequence[str] | None = None, exclude: Sequence[str] = (), parts: Sequence[Part] = BOTH) -> Recipe:
    return Recipe(tuple(parts), Shape(None if include is None else tuple(include), tuple(exclude), tuple(data)))


def data(recipe: Recipe, *items: Item, allow_empty: bool = False) -> dict[str, str]:
    rendered = shape.render(recipe, items or (DB, API), rendering=Rendering(allow_empty_values=allow_empty))
    return {key: value.reveal().decode("utf-8", "replace") for key, value in rendered.data.items()}
