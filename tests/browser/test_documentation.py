"""The built documentation reads without a server and without a network."""

import os
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from helpers.checkout import ROOT

if TYPE_CHECKING:
    from playwright.sync_api import Page


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if find_spec("mkdocs") is None:
        pytest.skip("mkdocs is not installed: pip install 'dagster-airbyte-sync[docs]'")
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--quiet", "--strict", "--site-dir"]
    environ = {**os.environ, "NO_MKDOCS_2_WARNING": "1"}
    subprocess.run([*command, str(folder)], cwd=ROOT, env=environ, check=True, timeout=120)
    return folder


@pytest.fixture(scope="module")
def opened(site: Path, chromium: str) -> Iterator["tuple[Page, list[str]]"]:
    """A page opened from disk, and the addresses that it has asked."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium, args=["--no-sandbox", "--disable-gpu"]
        )
        page = browser.new_page(viewport={"width": 1400, "height": 900})
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        page.goto((site / "guides" / "health.html").as_uri())
        yield page, asked
        browser.close()


def test_a_page_on_disk_finds_what_is_searched(opened: "tuple[Page, list[str]]") -> None:
    from playwright.sync_api import expect

    page, _ = opened
    page.locator(".md-search__input").press_sequentially("partial_success", delay=30)
    found = page.locator(".md-search-result__link")
    expect(found.filter(has_text="If a sync is already running")).to_have_count(1)


def test_it_asks_nothing_elsewhere(opened: "tuple[Page, list[str]]") -> None:
    page, asked = opened
    page.wait_for_load_state("networkidle")
    assert asked
    assert [address for address in asked if not address.startswith("file:")] == []


def test_the_reference_shows_no_placeholders(site: Path) -> None:
    pages = [*site.rglob("*.html")]
    assert len(pages) > 20
    placeholders = ("Sentinel.", "PydanticUndefined", "[[fields", "[[attributes")
    assert not [
        (page.name, text) for page in pages for text in placeholders if text in page.read_text()
    ]
