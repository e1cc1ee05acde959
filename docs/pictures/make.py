"""Makes the pictures of docs/pictures.md anew.

    airlock preview --stack prod-mwaa --json > plan.json
    python docs/pictures/make.py plan.json

Needs the development packages, and Debian's chromium and chromium-driver.
"""

import sys
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from pulumi_airlock.gates import read_all
from pulumi_airlock.gates.declaration import declared_access
from pulumi_airlock.gates.sources import load_stack
from pulumi_airlock.proof import explain, prove
from pulumi_airlock.proof.evidence import evidence
from pulumi_airlock.report.page import render_page
from pulumi_airlock.report.svg import explanation_svg
from selenium import webdriver
from selenium.webdriver.chrome.service import Service

HERE = Path(__file__).parent
AT = datetime(2026, 11, 23, 22, 30, tzinfo=UTC)
"""A Monday night, in the window of the example."""
CELL = "#zoom=1&from=ledger-close&to=ledger-db"
SIZE = (1320, 700)


def main(file: Path) -> None:
    """Writes `page.png` and `path.svg`."""
    stack = load_stack(file)
    access, reading = declared_access(stack), read_all(stack)
    if access is None:
        sys.exit(f"{file} declares no access")
    found = (access, reading.environments, reading.filters)
    answer = explain(*found, "var_daily.load", "ledger-db:1521", at=AT)
    (HERE / "path.svg").write_text(explanation_svg(answer), encoding="utf-8")
    proof = prove(*found, at=AT)
    seen = evidence(*found, proof, at=AT)
    page = render_page(proof, seen, access, title="Stack prod-mwaa", generated_from="--stack prod-mwaa", at=AT)
    photograph(page, HERE / "page.png")


def photograph(page: str, target: Path) -> None:
    """The page as a browser shows it, one cell opened."""
    with TemporaryDirectory() as folder:
        options = webdriver.ChromeOptions()
        options.binary_location = "/usr/bin/chromium"
        for one in ("--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--hide-scrollbars"):
            options.add_argument(one)
        options.add_argument(f"--user-data-dir={folder}/profile")
        file = Path(folder) / "page.html"
        file.write_text(page, encoding="utf-8")
        driver = webdriver.Chrome(options=options, service=Service("/usr/bin/chromedriver"))
        try:
            driver.get(file.as_uri() + CELL)
            view = {"width": SIZE[0], "height": SIZE[1], "deviceScaleFactor": 1, "mobile": False}
            driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", view)
            driver.execute_script("document.getElementById('matrix-title').scrollIntoView()")
            driver.save_screenshot(str(target))
        finally:
            driver.quit()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
