"""Whether a desk can be shown: a display, the system libraries that Qt asks for, a font. Says what is missing and how
to get it; as root on Debian it gets it itself."""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
import sys
from pathlib import Path

# soname → Debian package; what PyQt5's own libraries and its xcb platform plugin are linked with.
QT_LIBRARIES = {
    "libGL.so.1": "libgl1",
    "libEGL.so.1": "libegl1",
    "libgthread-2.0.so.0": "libglib2.0-0",
    "libfontconfig.so.1": "libfontconfig1",
    "libfreetype.so.6": "libfreetype6",
    "libdbus-1.so.3": "libdbus-1-3",
}
XCB_LIBRARIES = {
    "libX11-xcb.so.1": "libx11-xcb1",
    "libxkbcommon.so.0": "libxkbcommon0",
    "libxkbcommon-x11.so.0": "libxkbcommon-x11-0",
    "libxcb-icccm.so.4": "libxcb-icccm4",
    "libxcb-image.so.0": "libxcb-image0",
    "libxcb-keysyms.so.1": "libxcb-keysyms1",
    "libxcb-randr.so.0": "libxcb-randr0",
    "libxcb-render-util.so.0": "libxcb-render-util0",
    "libxcb-shape.so.0": "libxcb-shape0",
    "libxcb-xfixes.so.0": "libxcb-xfixes0",
    "libxcb-xinerama.so.0": "libxcb-xinerama0",
}
FONT_PACKAGES = ["fonts-dejavu-core", "fonts-noto-core"]
FONT_DIRECTORIES = ("/usr/share/fonts", "/usr/local/share/fonts", "~/.fonts", "~/.local/share/fonts")


def why_not() -> str:
    """Why no desk can be shown; empty when one can."""
    if not has_display():
        return "there is no display ($DISPLAY and $WAYLAND_DISPLAY are empty)"
    packages = missing_packages({**QT_LIBRARIES, **XCB_LIBRARIES})
    if packages and not install(packages):
        return f"system libraries are missing; install them: {command(packages)}"
    return ""


def has_display() -> bool:
    if sys.platform in ("win32", "darwin"):
        return True
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def missing_packages(libraries: dict[str, str], *, fonts: bool = True) -> list[str]:
    """Debian packages of the libraries that the loader doesn't find here, and of fonts if there is none."""
    if not sys.platform.startswith("linux"):
        return []
    packages = [package for library, package in libraries.items() if not loads(library)]
    return packages + (FONT_PACKAGES if fonts and not has_fonts() else [])


def loads(library: str) -> bool:
    try:
        ctypes.CDLL(library)
    except OSError:
        return False
    return True


def has_fonts() -> bool:
    """Without any the window shows no text."""
    for name in FONT_DIRECTORIES:
        for pattern in ("*.ttf", "*.otf", "*.ttc"):
            if next(Path(name).expanduser().rglob(pattern), None) is not None:
                return True
    return False


def command(packages: list[str]) -> str:
    """What to type."""
    return f"apt-get install {' '.join(packages)}"


def may_install() -> bool:
    """Root on a Debian: a container, as a rule."""
    return hasattr(os, "geteuid") and os.geteuid() == 0 and shutil.which("apt-get") is not None


def install(packages: list[str]) -> bool:
    """Install them if we may; False when we may not or it failed. Says what it does."""
    if not may_install():
        return False
    print(f"installing system packages: {command(packages)}", file=sys.stderr, flush=True)
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    for words in (["update", "-qq"], ["install", "-y", "-qq", "--no-install-recommends", *packages]):
        done = subprocess.run(
            ["apt-get", *words],  # noqa: S607  (Debian's own, found by PATH)
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        if done.returncode != 0 and words[0] == "install":
            last = done.stderr.strip().splitlines()[-1:] or ["no reason given"]
            print(f"that failed ({last[0]}); is there a network?", file=sys.stderr, flush=True)
            return False
    return True
