"""Recipes: the parts that a Secret's content comes from. Today one item, with all of its keys."""

from __future__ import annotations

from typing import NamedTuple

from onepassword_operator.model.item_path import ItemPath


class Part(NamedTuple):
    """One part of a recipe: an item, by its path as the user wrote it, valid or not."""

    path: str


class Recipe(tuple[Part, ...]):
    """The parts of one Secret, in order; `str` gives what the Secret's annotations keep of it."""

    __slots__ = ()

    def __str__(self) -> str:
        return "\n".join([part.path for part in self])

    def items(self) -> tuple[ItemPath, ...]:
        """Parse the path of each part.

        Raises:
            ItemPathError: one of them is no item path.
        """
        return tuple(ItemPath.parse(part.path) for part in self)
