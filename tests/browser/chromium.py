"""Finds the Chromium that the browser tests drive; on Debian, as root, it installs one if there is none."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")

FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


def chromium_path() -> Path:
    """Give the path of Chromium; a RuntimeError says what to install when there is none and none can be installed."""
    found = _found()
    if found is None and os.geteuid() == 0 and shutil.which("apt-get"):
        _install()
        found = _found()
    if found is None:
        raise RuntimeError(
            f"The browser tests need Chromium, and none of {', '.join(NAMES)} is on PATH. Debian: sudo apt-get install chromium"
        )
    return found


def _found() -> Path | None:
    return next((Path(path) for path in map(shutil.which, NAMES) if path), None)


def _install() -> None:
    sys.stderr.write("Installing Chromium for the browser tests (apt-get install chromium) ...\n")
    quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for words in (["update"], ["install", "--yes", "--no-install-recommends", "chromium", "fonts-dejavu-core"]):
        ended = subprocess.run(["apt-get", "--quiet=2", *words], env=quiet, capture_output=True, text=True, check=False)
        if ended.returncode:
            raise RuntimeError(f"`apt-get {' '.join(words)}` failed; install Chromium by hand. It said:\n{ended.stderr.strip()}")


if __name__ == "__main__":
    chromium_path()
