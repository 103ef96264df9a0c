"""A vault at 1Password, and the catalog of it."""

import pytest

from fakes.clock import FakeClock
from fakes.item_source import FakeItemSource
from onepassword_operator.service.vaults.catalog import Catalog


@pytest.fixture
def source() -> FakeItemSource:
    return FakeItemSource()


@pytest.fixture
def catalog(source: FakeItemSource, clock: FakeClock) -> Catalog:
    return Catalog(source, clock)


@pytest.fixture
def vault(source: FakeItemSource) -> str:
    return source.add_vault("Prod")
