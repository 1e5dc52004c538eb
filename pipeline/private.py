"""Files that nobody else may read."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from pipeline.errors import CannotStart


def check(key: Path) -> None:
    """CannotStart where a key can be read by others (as ssh refuses it), or not at all."""
    try:
        found = key.stat()
    except OSError as error:
        raise CannotStart(f"{key}: expected a PEM key, found: {error.strerror}") from error
    if os.name == "nt":
        return
    if found.st_mode & (stat.S_IRWXG | stat.S_IRWXO) or found.st_uid != os.geteuid():
        text = f"{key}: expected a key of this user with mode 0600, found mode {stat.S_IMODE(found.st_mode):04o}"
        raise CannotStart(text)
