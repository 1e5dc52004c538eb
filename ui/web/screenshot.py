"""A picture of the page on a running state: `python -m ui.web.screenshot --state DIR --out docs/img/page.png`.

Logs in to the page in a headless Chromium, waits until it says live, and saves what it shows. Needs Chromium and its
driver, and selenium from the test packages.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from pathlib import Path

from selenium import webdriver
from selenium.webdriver.support.ui import WebDriverWait

from pipeline.runtime import Runtime

FLAGS = ("--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking")
WAIT_S = 60
CELL = "return document.querySelector(`[data-cell='${arguments[0]}']`).textContent"


def photograph(runtime: Runtime, out: Path, width: int, height: int) -> None:
    """Save the page as PNG; raises what selenium raises where it does not become live."""
    facts = runtime.announced("web")
    if facts is None:
        raise SystemExit(f"{runtime.state_dir}: no page is announced there; is the run up?")
    with tempfile.TemporaryDirectory(prefix="margindesk-chromium-", ignore_cleanup_errors=True) as profile:
        browser = webdriver.Chrome(
            service=webdriver.ChromeService(shutil.which("chromedriver")), options=options(profile)
        )
        try:
            metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600}
            browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
            browser.get(str(facts["url"]))
            browser.find_element("name", "username").send_keys(str(facts["user"]))
            password = Path(str(facts["password_file"])).read_text(encoding="ascii").strip()
            browser.find_element("name", "password").send_keys(password)
            browser.find_element("css selector", "button[type=submit]").click()
            live = WebDriverWait(browser, WAIT_S, poll_frequency=0.2)
            live.until(lambda _: browser.find_elements("id", "page"))
            live.until(lambda _: "live" in browser.execute_script(CELL, "link.state"))
            browser.save_screenshot(str(out))
        finally:
            browser.quit()


def options(profile: str) -> webdriver.ChromeOptions:
    """A Chromium of our own: no profile of the user's is touched."""
    made = webdriver.ChromeOptions()
    made.binary_location = shutil.which("chromium") or shutil.which("google-chrome") or ""
    for flag in (*FLAGS, f"--user-data-dir={profile}"):
        made.add_argument(flag)
    return made


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="ui.web.screenshot", description=__doc__)
    parser.add_argument("--state", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--size", default="1280x900", help="360x1400 is a phone")
    given = parser.parse_args(argv)
    width, height = (int(part) for part in given.size.split("x"))
    photograph(Runtime(given.state), given.out, width, height)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
