"""Recipes: what a Secret's content comes from."""

import pytest

from onepassword_operator.model.errors import ItemPathError
from onepassword_operator.model.item_path import ItemPath
from onepassword_operator.model.recipe import Bundle, BundleFormat, Entry, Escape, Format, Part, Recipe, Registry, Shape
from unit.rules import samples

DB, API = Part("vaults/Prod/items/db"), Part("vaults/Test/items/api")


def test_a_claim_asks_for_the_recipe_of_its_path() -> None:
    assert samples.CLAIM.recipe == Recipe((Part(samples.CLAIM.item_path),))


@pytest.mark.parametrize("path", ["vaults/Prod/items/db", "nowhere", "", " vaults/a,b/items/c;d "])
def test_the_text_of_one_part_is_the_path_as_the_user_wrote_it(path: str) -> None:
    assert str(Recipe((Part(path),))) == path


def test_the_items_of_a_recipe_come_in_the_order_of_its_parts() -> None:
    assert Recipe((DB, API)).items() == (ItemPath("Prod", "db"), ItemPath("Test", "api"))


def test_a_recipe_with_one_invalid_part_has_no_items() -> None:
    with pytest.raises(ItemPathError):
        Recipe((DB, Part("nowhere"))).items()


def test_another_order_is_another_recipe() -> None:
    assert Recipe((DB, API)) != Recipe((API, DB))
    assert str(Recipe((DB, API))) != str(Recipe((API, DB)))


def test_what_annotations_keep_of_a_shape_differs_with_every_member_of_it_and_shows_none() -> None:
    entry = Entry("key", value="canary")
    recipes = [
        Recipe((DB,), Shape()),
        Recipe((DB._replace(prefix="a"),), Shape()),
        Recipe((DB, API), Shape()),
        Recipe((DB,), Shape(include=("a",))),
        Recipe((DB,), Shape(exclude=("a",))),
        *(Recipe((DB,), Shape(data=(each,))) for each in (entry, entry._replace(optional=True), entry._replace(escape=Escape.URL))),
        Recipe((DB,), Shape(data=(Entry("key", field="canary"),))),
        Recipe((DB,), Shape(data=(Entry("key", field="canary", format=Format.OPENSSH),))),
        Recipe((DB,), Shape(data=(Entry("key", registries=(Registry("canary", "a", "b"),)),))),
        *(Recipe((DB,), Shape(data=(Entry("key", bundle=Bundle(kind, ("canary",))),))) for kind in BundleFormat),
        Recipe((DB._replace(by_reference=True),), Shape()),
    ]
    kept = {str(recipe) for recipe in recipes}
    assert len(kept) == len(recipes)
    assert all(len(each) == 65 and "canary" not in each for each in kept)


def test_it_stays_as_it_is_for_ever() -> None:
    """Secrets in clusters carry it, under their seals."""
    entry = Entry("key", value="canary", escape=Escape.URL, optional=True)
    recipe = Recipe((DB._replace(prefix="DB_"),), Shape(include=("a",), exclude=("b",), data=(entry,)))
    assert str(recipe) == "4e59b6746a2a65b054fec52611dfe2ab-7a5613e07895a28c3e4370caafd7eccc"


def test_it_leads_where_another_led_with_the_same_paths_whatever_the_shape() -> None:
    shaped, other = Recipe((DB,), Shape()), Recipe((DB._replace(prefix="a"),), Shape(exclude=("a",)))
    assert shaped.leads_where(str(other))
    assert Recipe((DB,)).leads_where(str(Recipe((DB,))))
    for former in (Recipe((API,), Shape()), Recipe((DB, API), Shape()), Recipe((DB,))):
        assert not shaped.leads_where(str(former))
    assert not Recipe((DB,)).leads_where(str(shaped))
