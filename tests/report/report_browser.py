"""A real Chromium that looks at local files: Debian's, with its own driver; nothing is downloaded."""

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
HERE = bool(CHROMIUM and DRIVER and find_spec("selenium"))
MISSING = "" if HERE else "needs selenium, and Debian's chromium and chromium-driver"
_ARGUMENTS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--force-device-scale-factor=1",
    "--lang=en",
    "--force-prefers-reduced-motion",
)


@contextmanager
def chromium(width: int = 1400, height: int = 900) -> Iterator[Any]:
    """A browser of its own profile; it and its driver are stopped at the end."""
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service

    with TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        options = webdriver.ChromeOptions()
        options.binary_location = str(CHROMIUM)
        for argument in (*_ARGUMENTS, f"--user-data-dir={profile}", f"--window-size={width},{height}"):
            options.add_argument(argument)
        options.set_capability("goog:loggingPrefs", {"performance": "ALL", "browser": "ALL"})
        driver = webdriver.Chrome(options=options, service=Service(str(DRIVER)))
        try:
            driver.set_page_load_timeout(60)
            yield driver
        finally:
            driver.quit()


def requests_of(driver: Any) -> list[str]:
    """What the pages since the last call have asked for, over the network or not."""
    messages = (json.loads(one["message"])["message"] for one in driver.get_log("performance"))
    return [one["params"]["request"]["url"] for one in messages if one["method"] == "Network.requestWillBeSent"]


def show(driver: Any, folder: Path, html: str, fragment: str = "") -> None:
    """Opens a page as a person does: as a file."""
    file = folder / "page.html"
    file.write_text(html, encoding="utf-8")
    driver.get("about:blank")
    driver.get(file.as_uri() + fragment)
