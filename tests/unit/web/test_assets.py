"""What the browser is given: vendored files as they were published, nothing from elsewhere, readable colours."""

import hashlib
import re
from pathlib import Path

import pytest

from ui import web

ROOT = Path(web.__file__).parent
VENDOR = ROOT / "static" / "vendor"
TEXTS = ("fg", "dim", "stale", "up", "down", "caution", "warn", "alarm", "model", "accent")
PALETTES = re.findall(
    r'\[data-bs-theme="(dark|light)"\] \{([^}]*--bg0:[^}]*)\}', (ROOT / "static/web/page.css").read_text()
)


def tokens(body):
    return dict(re.findall(r"--([a-z0-9-]+): (#[0-9a-f]{6});", body))


def luminance(colour):
    def linear(part):
        value = int(part, 16) / 255
        return value / 12.92 if value <= 0.03928 else ((value + 0.055) / 1.055) ** 2.4

    red, green, blue = (linear(colour[at : at + 2]) for at in (1, 3, 5))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one, other):
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def test_vendored_files_are_those_of_the_published_packages_with_their_licences():
    listed = dict(line.split("  ")[::-1] for line in (VENDOR / "SHA256SUMS").read_text().splitlines())
    found = {
        str(path.relative_to(VENDOR)): path
        for path in VENDOR.rglob("*")
        if path.is_file() and path.name != "SHA256SUMS"
    }
    assert set(listed) == set(found)
    for name, path in found.items():
        assert hashlib.sha256(path.read_bytes()).hexdigest() == listed[name], name
    for package in (path for path in VENDOR.iterdir() if path.is_dir()):
        assert (package / "LICENSE").is_file()


def test_both_palettes_are_there():
    assert [name for name, _ in PALETTES] == ["dark", "light"]


@pytest.mark.parametrize(("name", "body"), PALETTES)
def test_every_text_colour_has_contrast_on_every_background_it_stands_on(name, body):
    colour = tokens(body)
    low = {
        (text, ground): round(contrast(colour[text], colour[ground]), 2)
        for text in TEXTS
        for ground in ("bg0", "bg1")
        if contrast(colour[text], colour[ground]) < 4.5
    }
    assert low == {}
    assert contrast(colour["on-accent"], colour["accent"]) >= 4.5
    assert contrast("#ffffff", colour["critical"]) >= 4.5


@pytest.mark.parametrize("path", sorted((ROOT / "templates").rglob("*.html")), ids=lambda path: path.name)
def test_templates_have_nothing_inline_and_nothing_from_elsewhere(path):
    text = path.read_text()
    assert not re.search(r"\sstyle=|\son[a-z]+=|<style|javascript:", text)
    assert not re.search(r"<script(?![^>]*\ssrc=)", text)
    assert not re.search(r"(?:src|href)=.?https?://", text)


@pytest.mark.parametrize("path", sorted((ROOT / "static" / "web").iterdir()), ids=lambda path: path.name)
def test_own_files_name_no_other_host(path):
    assert not re.search(r"https?://(?!www\.w3\.org/)", path.read_text())
