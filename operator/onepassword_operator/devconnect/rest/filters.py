"""The `filter` query of list endpoints: a subset of SCIM.

It has `attribute operator "value"`, and, or, not and parentheses. Comparison ignores case, as SCIM
does by default; clients check results themselves. An unreadable filter is a 400. Where the real
server's interpretation is not known, `Behaviour` decides.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Final, TypeAlias

from onepassword_operator.devconnect import json_codec
from onepassword_operator.devconnect.behaviour import Behaviour
from onepassword_operator.devconnect.errors import ApiError, bad_request
from onepassword_operator.devconnect.items.records import Item, Vault

Subject: TypeAlias = Mapping[str, Sequence[str]]
Predicate: TypeAlias = Callable[[Subject], bool]

VAULT_ATTRIBUTES: Final = frozenset({"name", "title", "id"})
ITEM_ATTRIBUTES: Final = frozenset({"title", "tag", "id", "category"})

Compare: TypeAlias = Callable[[str, str], bool]

_STRINGS: Final[Mapping[str, str]] = {"json": r'"(?:[^"\\]|\\.)*"', "literal": r'"[^"]*"'}
_TOKENS: Final = {
    escapes: re.compile(rf"\s*(?:{string}|[()]|[A-Za-z]+)") for escapes, string in _STRINGS.items()
}
_OPERATORS: Final[Mapping[str, Compare]] = {
    "eq": lambda have, want: have == want,
    "co": lambda have, want: want in have,
    "sw": lambda have, want: have.startswith(want),
    "ew": lambda have, want: have.endswith(want),
}
# No person writes deeper nesting, and it would exhaust the stack.
_MAX_DEPTH: Final = 32


def vault_subject(vault: Vault) -> Subject:
    """Return the attributes of a vault that a filter can use.

    Clients use both `name` and `title`.
    """
    return {"name": (vault.name,), "title": (vault.name,), "id": (vault.id,)}


def item_subject(item: Item) -> Subject:
    """Return the attributes of an item that a filter can use."""
    return {
        "title": (item.content.title,),
        "tag": item.content.tags,
        "id": (item.id,),
        "category": (item.content.category,),
    }


def parse(text: str, *, attributes: Collection[str], behaviour: Behaviour) -> Predicate:
    """Read a filter into a predicate, or raise 400."""
    parser = _Parser(
        _tokens(text, escapes=behaviour.filter_escapes), attributes, behaviour=behaviour
    )
    predicate = parser.alternatives(0)
    if parser.peek():
        raise _malformed()
    return predicate


def _tokens(text: str, *, escapes: str) -> list[str]:
    tokens, position = [], 0
    while text[position:].strip():
        found = _TOKENS[escapes].match(text, position)
        if found is None:
            raise _malformed()
        tokens.append(found.group().strip())
        position = found.end()
    return tokens


class _Parser:
    def __init__(
        self, tokens: Sequence[str], attributes: Collection[str], *, behaviour: Behaviour
    ) -> None:
        self._tokens = tokens
        self._attributes = attributes
        self._behaviour = behaviour
        self._position = 0

    def peek(self) -> str:
        return self._tokens[self._position] if self._position < len(self._tokens) else ""

    def _take(self) -> str:
        token = self.peek()
        self._position += 1
        return token

    def alternatives(self, depth: int) -> Predicate:
        if depth > _MAX_DEPTH:
            raise _malformed()
        branches = [self._conjunction(depth)]
        while self.peek().lower() == "or":
            self._take()
            branches.append(self._conjunction(depth))
        return lambda subject: any(branch(subject) for branch in branches)

    def _conjunction(self, depth: int) -> Predicate:
        parts = [self._negatable(depth)]
        while self.peek().lower() == "and":
            self._take()
            parts.append(self._negatable(depth))
        return lambda subject: all(part(subject) for part in parts)

    def _negatable(self, depth: int) -> Predicate:
        if self.peek().lower() != "not":
            return self._primary(depth)
        self._take()
        if self.peek() != "(":
            raise _malformed()
        negated = self._primary(depth)
        return lambda subject: not negated(subject)

    def _primary(self, depth: int) -> Predicate:
        if self.peek() != "(":
            return self._comparison()
        self._take()
        inner = self.alternatives(depth + 1)
        if self._take() != ")":
            raise _malformed()
        return inner

    def _comparison(self) -> Predicate:
        attribute, operator = self._take().lower(), self._take().lower()
        if attribute not in self._attributes:
            raise bad_request(
                f"Invalid filter: use one of the attributes {', '.join(sorted(self._attributes))}"
            )
        if operator == "pr":
            return lambda subject: any(subject[attribute])
        want = self._string(self._take())
        fold = self._fold(attribute)
        if operator == "ne":
            return lambda subject: all(fold(have) != fold(want) for have in subject[attribute])
        compare = (
            _within
            if attribute == "tag" and operator == "eq" and self._behaviour.tag_filter == "nested"
            else _OPERATORS.get(operator)
        )
        if compare is None:
            raise bad_request("Invalid filter: use one of the operators eq, ne, co, sw, ew, pr")
        return lambda subject: any(compare(fold(have), fold(want)) for have in subject[attribute])

    def _fold(self, attribute: str) -> Callable[[str], str]:
        exact = (
            attribute == "title"
            and "name" not in self._attributes
            and self._behaviour.title_case == "exact"
        )
        return str if exact else str.casefold

    def _string(self, token: str) -> str:
        if not token.startswith('"'):
            raise _malformed()
        if self._behaviour.filter_escapes == "literal":
            return token[1:-1]
        try:
            return str(json_codec.decode(token))
        except json_codec.NotJsonError:
            raise _malformed() from None


def _within(have: str, want: str) -> bool:
    return have == want or have.startswith(f"{want}/")


def _malformed() -> ApiError:
    return bad_request('Invalid filter: expected the form attribute operator "value"')
