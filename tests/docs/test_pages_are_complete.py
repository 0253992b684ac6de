"""The documentation names all that is public, and nothing that is not there."""

import re
from inspect import signature

import pytest

import dagster_airbyte_sync
from dagster_airbyte_sync.assets.tables import keys
from dagster_airbyte_sync.cli.group import COMMANDS
from helpers.checkout import ROOT
from helpers.pages import DOCS, PAGES, README, Page
from mutations.breaks import BREAKS

REPOSITORY = "https://github.com/dagster-airbyte-sync/dagster-airbyte-sync"
FILES = "https://raw.githubusercontent.com/dagster-airbyte-sync/dagster-airbyte-sync/main/"
SITE = "https://dagster-airbyte-sync.github.io/dagster-airbyte-sync/"


def page(name: str) -> str:
    return (DOCS / name).read_text(encoding="utf-8")


def test_it_says_how_many_lines_are_broken_on_purpose() -> None:
    (said,) = re.findall(r"broken on purpose, (\d+) of them", page("how-it-works.md"))
    assert int(said) == len(BREAKS)


def test_the_readme_is_read_in_two_minutes() -> None:
    assert len(README.read_text().split()) <= 600


def test_every_public_name_is_in_the_reference() -> None:
    named = re.findall(r"^::: dagster_airbyte_sync\.(\w+)$", page("reference/python.md"), re.M)
    assert sorted(named) == sorted(dagster_airbyte_sync.__all__)


def test_every_command_is_in_the_reference() -> None:
    named = re.findall(r"^\| `([a-z-]+)` \|", page("reference/command-line.md"), flags=re.M)
    assert named == list(COMMANDS)


def test_every_metadata_key_is_in_the_reference() -> None:
    values = {value for value in vars(keys).values() if isinstance(value, str)}
    written = {value for value in values if re.fullmatch(r"dagster(-airbyte)?/\w+", value)}
    named = set(re.findall(r"`([\w/]+)`", page("reference/metadata.md")))
    assert {value.removeprefix("dagster-airbyte/") for value in written} <= named


def code_of_the_product() -> str:
    """All of it, with texts that go over several lines in one piece."""
    folders = (ROOT / name for name in ("sensors", "assets", "resources", "src"))
    files = (file for folder in folders for file in folder.rglob("*.py"))
    return re.sub(r'"\s*\n\s*f?"', "", "\n".join(file.read_text() for file in files))


def test_every_message_on_the_page_is_one_that_somebody_may_read() -> None:
    code = code_of_the_product()
    messages = re.findall(
        r"^\| `([^|]+?)`(?: \([^|]*\))?(?:,[^|]*)? \|", page("reference/errors.md"), re.M
    )
    parts = {part.strip() for message in messages for part in re.split(r"\.\.\.|\d+|`, `", message)}
    known = {"Received message larger than max"}
    assert len(messages) > 20
    assert not [part for part in parts - known if len(part) > 3 and part not in code]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_its_links_to_the_repository_and_the_site_lead_somewhere(page: Page) -> None:
    text = page.text
    files = re.findall(rf"{REPOSITORY}/(?:blob|tree)/main/([^\s)#]+)", text)
    files += re.findall(rf"{FILES}([^\s)]+)", text)
    pages = [f"docs/{name}.md" for name in re.findall(rf"{SITE}([^\s)#]+)\.html", text)]
    assert not [name for name in files + pages if not (ROOT / name).exists()]


def test_the_readme_has_only_links_that_work_on_a_package_index() -> None:
    links = re.findall(r"\]\(([^)]+)\)", README.read_text())
    assert links
    assert not [link for link in links if not link.startswith("https://")]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_calls_in_its_text_take_their_arguments(page: Page) -> None:
    calls = re.findall(r"`(?:\w+ )*(\w+)\((\w+)=", page.text)
    unknown = [
        call
        for call in calls
        if call[0] in dagster_airbyte_sync.__all__
        and call[1] not in signature(getattr(dagster_airbyte_sync, call[0])).parameters
    ]
    assert not unknown
