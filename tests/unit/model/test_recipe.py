"""Recipes: what a Secret's content comes from."""

import pytest

from onepassword_operator.model.errors import ItemPathError
from onepassword_operator.model.item_path import ItemPath
from onepassword_operator.model.recipe import Part, Recipe
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
