"""The settings page says what the settings are."""

from pathlib import Path

from contract import settings_page

PAGE = Path(__file__).parents[2] / "docs" / "settings.md"


def test_the_settings_page_is_what_the_settings_say() -> None:
    assert PAGE.read_text() == settings_page.render(), "docs/settings.md is stale: run `make docs`"
