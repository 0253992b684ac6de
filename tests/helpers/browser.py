"""Dagster's pages in a real browser, as somebody sees them who opens them."""

import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Locator, Page, expect, sync_playwright

# In milliseconds. A page that nobody has opened before takes some seconds.
LONGEST = 30_000
# So the names of our checks begin.
_OURS = "airbyte_"
_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")


def chromium() -> str | None:
    """Where the browser is, if there is one."""
    return next(filter(None, map(shutil.which, _NAMES)), None)


@dataclass(frozen=True)
class Browser:
    """A browser at the pages of one Dagster, which keeps pictures of them in a folder."""

    page: Page
    address: str
    pictures: Path

    def open(self, table: str, view: str) -> None:
        self.page.goto(f"{self.address}/assets/{table}?view={view}")

    def open_check(self, table: str, check: str) -> dict[str, str]:
        """What the list beside it says of each of the table's checks, such as "Failed"."""
        self.open(table, f"checks&checkDetail={check}")
        expect(self.page.get_by_text("Latest execution")).to_be_visible()
        rows = self.page.locator(f"span:has(> [title^={_OURS}])")
        expect(rows.first).to_be_visible()
        lines = [row.inner_text().splitlines() for row in rows.all()]
        return {line[0]: line[-1] for line in lines}

    def sees(self, text: str) -> None:
        expect(self.page.get_by_text(text).first).to_be_visible()

    def sees_link(self, to: str) -> None:
        """A link to an address with this in it."""
        expect(self._links(to).first).to_be_visible()

    def sees_no_link(self, to: str) -> None:
        """On a page on which something else was seen."""
        expect(self._links(to)).to_have_count(0)

    def _links(self, to: str) -> Locator:
        return self.page.locator(f'a[href*="{to}"]')

    def click(self, text: str) -> None:
        self.page.get_by_text(text, exact=True).first.click()

    def go_back_an_event(self) -> None:
        """In the list of events, whose entries are times: from the last to the one before."""
        self.page.get_by_text(re.compile(r"^\w{3} \d+, \d+:\d\d")).nth(1).click()

    def plotted(self) -> list[str]:
        """What the plots of the page are of, without our prefix."""
        expect(self.page.locator("canvas").first).to_be_visible()
        found = self.page.get_by_text(re.compile("^dagster.*/")).all_inner_texts()
        return sorted(text.removeprefix("dagster-airbyte/") for text in found)

    def keep(self, name: str) -> None:
        """A picture of the page, once nothing on it loads any more."""
        expect(self.page.locator("[class*=Skeleton_], [class*=Spinner_spinner]")).to_have_count(0)
        expect(self.page.get_by_text(re.compile(r"^Loading"))).to_have_count(0)
        self.page.screenshot(path=self.pictures / f"{name}.png", animations="disabled")


@contextmanager
def browser_at(address: str, pictures: Path, executable: str) -> Iterator[Browser]:
    expect.set_options(timeout=LONGEST)
    with sync_playwright() as playwright:
        # Who is root, as in a container, has no sandbox.
        started = playwright.chromium.launch(
            executable_path=executable, args=["--no-sandbox", "--disable-gpu"]
        )
        page = started.new_page(viewport={"width": 1440, "height": 1000})
        page.set_default_timeout(LONGEST)
        yield Browser(page, address, pictures)
        started.close()
