"""Items → data, in the official operator's order; what became no key is told."""

from collections.abc import Mapping, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onepassword_operator.model.confidential import Confidential
from onepassword_operator.model.errors import NoUsableFieldsError, OperatorError, SecretTooLargeError
from onepassword_operator.model.item import Field, File, Item, Url
from onepassword_operator.model.outcome import Skipped
from onepassword_operator.rules.contents import item_to_data
from onepassword_operator.rules.contents.key_syntax import is_valid_key, secret_key

Pairs = Sequence[tuple[str, str]]
NO_CHARACTER = "has no character that a Secret key may have"
DOTTED = 'gives a key that is "." or starts with ".."'
EMPTY = "is empty"
TAKEN = "has a key that an earlier part of the item already gives"


def _url(label: str, href: str, *, primary: bool = False) -> Url:
    return Url(label=label, href=Confidential(href.encode()), primary=primary)


def _item(*, urls: Sequence[Url] = (), fields: Pairs = (), files: Pairs = ()) -> Item:
    return Item(
        id="i",
        vault_id="v",
        title="Billing DB",
        version=1,
        urls=tuple(urls),
        fields=tuple(Field(label=label, value=Confidential(value.encode())) for label, value in fields),
        files=tuple(File(name=name, content=Confidential(content.encode())) for name, content in files),
    )


def _rendered(item: Item, *, allow_empty: bool = False) -> tuple[dict[str, str], list[tuple[str, str, bool]]]:
    rendered = item_to_data.render(item, allow_empty=allow_empty)
    shown = {key: value.reveal().decode() for key, value in rendered.data.items()}
    return shown, [(skip.label, skip.why, skip.worth_reporting) for skip in rendered.skipped]


@pytest.mark.parametrize(
    ("item", "data"),
    [
        (_item(fields=[("username", "svc"), ("AWS Access Key", "k")]), {"username": "svc", "AWS-Access-Key": "k"}),
        (_item(fields=[("notesPlain", " no\ntrimming\n")]), {"notesPlain": " no\ntrimming\n"}),
        (_item(fields=[("a", "first"), ("a", "last")]), {"a": "last"}),
        (_item(fields=[("a b", "first"), ("a/b", "last")]), {"a-b": "last"}),
        (_item(fields=[("foo/bar", "first"), ("foo::bar", "last")]), {"foo-bar": "last"}),
        (_item(fields=[("runner-token", ""), ("url", "x")]), {"url": "x"}),
        (_item(fields=[("one-time password", "otpauth://totp/x?secret=s")]), {"one-time-password": "otpauth://totp/x?secret=s"}),
        (_item(urls=[_url("website", "https://a"), _url("support", "https://b")]), {"website": "https://a", "support": "https://b"}),
        (_item(fields=[("a", "value"), ("a", "")]), {"a": "value"}),
        (_item(urls=[_url("website", "https://a")]), {"website": "https://a"}),
        (_item(urls=[_url("website", "https://a")], fields=[("website", "field")]), {"website": "field"}),
        (_item(urls=[_url("website", "https://a")], fields=[("website", "")]), {"website": "https://a"}),
        (_item(urls=[_url("web site", "https://a"), _url("web/site", "https://b")]), {"web-site": "https://a"}),
        (_item(files=[("server.crt", "pem")]), {"server.crt": "pem"}),
        (_item(files=[("a", "first"), ("a", "last")]), {"a": "first"}),
        (_item(files=[("a", ""), ("a", "last")]), {"a": "last"}),
        (_item(fields=[("a", "field")], files=[("a", "file")]), {"a": "field"}),
        (_item(fields=[("a", "")], files=[("a", "file")]), {"a": "file"}),
        (_item(urls=[_url("a", "url")], files=[("a", "file")]), {"a": "url"}),
        (_item(urls=[_url("a", "url")], fields=[("b", "field")], files=[("c", "file")]), {"a": "url", "b": "field", "c": "file"}),
    ],
)
def test_fields_win_over_urls_and_both_over_files(item: Item, data: Mapping[str, str]) -> None:
    assert _rendered(item)[0] == data


@pytest.mark.parametrize(
    ("item", "data"),
    [
        (_item(fields=[("runner-token", "")]), {"runner-token": ""}),
        (_item(fields=[("a", "value"), ("a", "")]), {"a": ""}),
        (_item(urls=[_url("a", "url")], fields=[("a", "")]), {"a": ""}),
        (_item(fields=[("a", "")], files=[("a", "file")]), {"a": ""}),
        (_item(urls=[_url("a", "")]), {"a": ""}),
        (_item(files=[("a", ""), ("a", "file")]), {"a": ""}),
    ],
)
def test_an_empty_value_counts_like_any_other_if_empty_values_are_allowed(item: Item, data: Mapping[str, str]) -> None:
    assert _rendered(item, allow_empty=True) == (data, [("a", TAKEN, False)] if item.files else [])


FIRST, SECOND = _url("website", "https://first"), _url("website", "https://second")
MAIN, SPARE = _url("website", "https://main", primary=True), _url("website", "https://spare", primary=True)


@pytest.mark.parametrize(
    ("urls", "href"),
    [
        ([FIRST], "https://first"),
        ([FIRST, SECOND], "https://second"),
        ([FIRST, MAIN], "https://main"),
        ([MAIN, FIRST], "https://main"),
        ([MAIN, FIRST, SECOND], "https://main"),
        ([MAIN, SPARE], "https://spare"),
        ([FIRST, MAIN, SPARE, SECOND], "https://spare"),
    ],
)
def test_of_urls_with_one_label_the_last_primary_wins_else_the_last(urls: Sequence[Url], href: str) -> None:
    assert _rendered(_item(urls=urls)) == ({"website": href}, [])


def test_urls_are_told_apart_by_their_label_as_it_is_written() -> None:
    item = _item(urls=[_url("web site", "https://a"), _url("web/site", "https://b"), _url("web site", "https://c")])
    assert _rendered(item) == ({"web-site": "https://c"}, [("web/site", TAKEN, False)])


@pytest.mark.parametrize(
    ("label", "value", "skipped"),
    [
        ("Ключ", "x", ("Ключ", NO_CHARACTER, True)),
        ("Ключ", "", ("Ключ", NO_CHARACTER, False)),
        ("", "x", ("", NO_CHARACTER, True)),
        (".", "x", (".", DOTTED, True)),
        ("..foo", "x", ("..foo", DOTTED, True)),
        (".. x", "x", (".. x", DOTTED, True)),
        ("..", "", ("..", DOTTED, False)),
        ("a", "", ("a", EMPTY, False)),
    ],
)
@pytest.mark.parametrize("kind", ["url", "field", "file"])
def test_one_bad_part_is_skipped_alone_and_told_with_the_reason(kind: str, label: str, value: str, skipped: tuple[str, str, bool]) -> None:
    """The official operator lets a dotted label fail the whole Secret."""
    item = _item(
        urls=[_url(label, value)] if kind == "url" else [],
        fields=[("good", "value"), *([(label, value)] if kind == "field" else [])],
        files=[(label, value)] if kind == "file" else [],
    )
    assert _rendered(item) == ({"good": "value"}, [skipped])


@pytest.mark.parametrize("label", ["Ключ", ".."])
def test_a_bad_label_stays_bad_where_empty_values_are_allowed(label: str) -> None:
    data, skipped = _rendered(_item(fields=[("good", ""), (label, "")]), allow_empty=True)
    assert data == {"good": ""}
    assert [(name, telling) for name, _, telling in skipped] == [(label, False)]


def test_a_file_that_a_field_overrides_is_skipped_without_a_word_to_people_and_a_skipped_part_is_told_by_name_only() -> None:
    assert _rendered(_item(fields=[("a", "field")], files=[("a", "file")]))[1] == [("a", TAKEN, False)]
    rendered = item_to_data.render(_item(fields=[("good", "x"), ("..", "canary")]), allow_empty=False)
    assert rendered.skipped == (Skipped(label="..", why=DOTTED),)


@pytest.mark.parametrize(
    ("item", "remedy"),
    [
        (_item(), "add one"),
        (_item(fields=[("a", "")]), "fill in a field, or run the operator with --allow-empty-values to keep empty ones"),
        (_item(fields=[("###", "x")], files=[("..", "x")]), "rename a field"),
    ],
)
def test_an_item_without_any_key_is_refused_with_the_remedy_that_helps(item: Item, remedy: str) -> None:
    with pytest.raises(NoUsableFieldsError, match=r'item "Billing DB" has no field, URL or file that gives a key; ' + remedy + "$"):
        item_to_data.render(item, allow_empty=False)


@pytest.mark.parametrize(
    ("sizes", "fits"), [([1024 * 1024], True), ([1024 * 1024 + 1], False), ([1024 * 1024, 1], False), ([1024 * 1024 - 1, 1], True)]
)
def test_all_values_together_have_a_limit(sizes: Sequence[int], *, fits: bool) -> None:
    item = _item(fields=[(f"f{number}", "x" * size) for number, size in enumerate(sizes)])
    if fits:
        assert len(item_to_data.render(item, allow_empty=False).data) == len(sizes)
    else:
        with pytest.raises(SecretTooLargeError, match=f'item "Billing DB" has {sum(sizes)} bytes of values .* at most 1048576'):
            item_to_data.render(item, allow_empty=False)


def test_what_is_overridden_does_not_count_towards_the_limit() -> None:
    item = _item(fields=[("a", "x" * 1024 * 1024), ("a", "small")])
    assert _rendered(item)[0] == {"a": "small"}


LABELS = st.sampled_from(["a", "b", "a b", "a/b", "..", ".", "", "Ключ", "ä x"]) | st.text(max_size=4)
VALUES = st.sampled_from(["", "canary-1", "canary-2"])
PAIRS = st.lists(st.tuples(LABELS, VALUES), max_size=4)
ITEMS = st.builds(
    lambda urls, fields, files: _item(urls=urls, fields=fields, files=files),
    st.lists(st.builds(lambda label, href, main: _url(label, href, primary=main), LABELS, VALUES, st.booleans()), max_size=4),
    PAIRS,
    PAIRS,
)


@given(item=ITEMS, allow_empty=st.booleans())
def test_keys_are_valid_values_come_from_the_item_and_nothing_leaks(item: Item, *, allow_empty: bool) -> None:
    try:
        rendered = item_to_data.render(item, allow_empty=allow_empty)
    except OperatorError as error:
        assert "canary" not in str(error)  # noqa: PT017  either way is fine, but neither may tell
        return
    parts = (
        [(url.label, url.href) for url in item.urls] + [(f.label, f.value) for f in item.fields] + [(f.name, f.content) for f in item.files]
    )
    assert all(is_valid_key(key) for key in rendered.data)
    assert all((key, value) in [(secret_key(label), given) for label, given in parts] for key, value in rendered.data.items())
    assert allow_empty or all(rendered.data.values())
    assert "canary" not in repr(rendered)


@given(item=ITEMS, allow_empty=st.booleans())
def test_every_part_becomes_a_key_or_is_told(item: Item, *, allow_empty: bool) -> None:
    try:
        rendered = item_to_data.render(item, allow_empty=allow_empty)
    except NoUsableFieldsError:
        return
    labels = [url.label for url in item.urls] + [field.label for field in item.fields] + [file.name for file in item.files]
    reported = {skip.label for skip in rendered.skipped}
    assert all(secret_key(label) in rendered.data or label in reported for label in labels)


def _last_of_each(pairs: Sequence[tuple[str, str]]) -> dict[str, str]:
    return {secret_key(label): value for label, value in pairs if is_valid_key(secret_key(label)) and value}


@given(fields=PAIRS, urls=PAIRS, files=PAIRS)
def test_the_last_field_with_a_value_wins_over_everything(fields: Pairs, urls: Pairs, files: Pairs) -> None:
    item = _item(urls=[_url(*pair, primary=True) for pair in urls], fields=[*fields, ("sure", "x")], files=files)
    assert _rendered(item)[0].items() >= _last_of_each(fields).items()


@given(fields=PAIRS, urls=PAIRS, files=PAIRS)
def test_files_fill_only_what_is_still_free(fields: Pairs, urls: Pairs, files: Pairs) -> None:
    without = _rendered(_item(urls=[_url(*pair) for pair in urls], fields=[*fields, ("sure", "x")]))[0]
    data = _rendered(_item(urls=[_url(*pair) for pair in urls], fields=[*fields, ("sure", "x")], files=files))[0]
    assert data == _last_of_each(files[::-1]) | without


@given(item=ITEMS, allow_empty=st.booleans())
def test_data_mapped_again_stay_what_they_are(item: Item, *, allow_empty: bool) -> None:
    try:
        data = _rendered(item, allow_empty=allow_empty)[0]
    except NoUsableFieldsError:
        return
    assert _rendered(_item(fields=list(data.items())), allow_empty=allow_empty) == (data, [])
