"""The page in a real Chromium."""

import shutil
import tempfile

import pytest

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
DRIVER = shutil.which("chromedriver")
FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
WAIT_S = 60

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(
        not (CHROMIUM and DRIVER), reason="no Chromium with its driver here: apt-get install chromium-driver"
    ),
]


@pytest.fixture
def browser():
    from selenium import webdriver

    profile = tempfile.mkdtemp(prefix="margindesk-chromium-")
    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    for flag in (*FLAGS, f"--user-data-dir={profile}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(service=webdriver.ChromeService(DRIVER), options=options)
    yield driver
    driver.quit()
    shutil.rmtree(profile, ignore_errors=True)


def text_of(browser, key):
    return browser.execute_script("return document.querySelector(`[data-cell='${arguments[0]}']`).textContent", key)


def wait(browser, condition, what):
    from selenium.webdriver.support.ui import WebDriverWait

    return WebDriverWait(browser, WAIT_S, poll_frequency=0.1).until(lambda _: condition(), what)


def log_in(browser, site):
    browser.get(site.url)
    browser.find_element("name", "username").send_keys("admin")
    browser.find_element("name", "password").send_keys(site.password)
    browser.find_element("css selector", "button[type=submit]").click()
    wait(browser, lambda: browser.find_elements("id", "page"), "the page after the login")


def test_log_in_and_see_figures_move_without_a_reload_at_360_pixels(browser, site, feeding):
    phone = {"width": 360, "height": 740, "deviceScaleFactor": 1, "mobile": True}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", phone)
    log_in(browser, site)
    browser.execute_script("window.notReloaded = true")
    wait(browser, lambda: "live" in text_of(browser, "link.state"), "a live page")
    for key in ("strip.excess_liquidity", "groups.AAPL.margin", "quotes.100.last"):
        before = text_of(browser, key)
        assert before not in ("", "—")
        wait(browser, lambda key=key, before=before: text_of(browser, key) != before, f"{key} to move")
    assert browser.execute_script("return window.notReloaded")
    width, inner = browser.execute_script("return [document.documentElement.scrollWidth, window.innerWidth]")
    assert inner == 360
    assert width <= 360
    wide = "return [...document.querySelectorAll('.table-wrap')].filter(e => e.scrollWidth > e.clientWidth + 1).length"
    assert browser.execute_script(wide) == 0
    faults = [line for line in browser.get_log("browser") if line["level"] == "SEVERE"]
    assert faults == []


def test_a_hidden_tab_closes_its_stream_and_comes_back(browser, site, feeding):
    log_in(browser, site)
    wait(browser, lambda: "live" in text_of(browser, "link.state"), "a live page")
    hide = "Object.defineProperty(document, 'hidden', {configurable: true, get: () => arguments[0]});"
    browser.execute_script(f"const hidden = arguments[0]; {hide.replace('arguments[0]', 'hidden')}"
                           "document.dispatchEvent(new Event('visibilitychange'))", True)  # fmt: skip
    assert browser.execute_script("return source === null")
    browser.execute_script(f"const hidden = arguments[0]; {hide.replace('arguments[0]', 'hidden')}"
                           "document.dispatchEvent(new Event('visibilitychange'))", False)  # fmt: skip
    before = text_of(browser, "strip.excess_liquidity")
    wait(browser, lambda: text_of(browser, "strip.excess_liquidity") != before, "figures to move again")


def test_a_server_that_is_gone_is_said_nothing_is_blanked_and_it_comes_back(
    browser, web_runtime, site, feeding, processes
):
    own = processes.site(web_runtime)
    log_in(browser, own)
    wait(browser, lambda: "live" in text_of(browser, "link.state"), "a live page")
    own.process.kill()
    own.process.wait()
    wait(browser, lambda: "offline, last" in text_of(browser, "link.state"), "the page to say that it is offline")
    assert "812,440" in text_of(browser, "strip.net_liquidation")
    assert processes.site(web_runtime).url == own.url
    wait(browser, lambda: "live" in text_of(browser, "link.state"), "a live page again")


def test_swaggers_page_works_from_here_alone(browser, site):
    log_in(browser, site)
    browser.get_log("browser")
    browser.get(site.url + "api/docs/")
    wait(browser, lambda: browser.find_elements("css selector", ".opblock"), "the operations")
    assert [line for line in browser.get_log("browser") if line["level"] == "SEVERE"] == []
    names = browser.execute_script("return performance.getEntriesByType('resource').map(entry => entry.name)")
    assert all(name.startswith((site.url, "data:")) for name in names)
