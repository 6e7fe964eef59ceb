"""Whom the tests ask as: a consumer that may read everything and use as much as it likes, beside those of the project's own file."""

import atexit
import hashlib
import shutil
import tempfile
from functools import cache
from pathlib import Path

PROJECT = Path(__file__).parent.parent
SECRET = "7" * 64
KEY = f"mcu_tests_{SECRET}"
HEADERS = {"X-API-Key": KEY}

OURS = f"""
# ── the consumer of the tests ────────────────────────────────────────────────────────────────────────────────────────────

[purposes.tests]
title = "Kiểm thử"
legal_basis = "statutory"
ground = "Only simulated people"
fields = ["@everything"]
protected = "show"

[consumers.tests]
organisation = "The tests"
kind = "state"
purposes = ["tests"]
default_purpose = "tests"
priority = "citizen"
scopes = ["citizen:sensitive", "tax:read"]
policies = ["tax-secrecy"]
explorer = true
demo = true

[consumers.tests.allowances]
concurrent = 1_000_000
cost_per_minute = 10_000_000
cost = 10_000_000
persons = 1_000_000
keys = 1_000_000
keys_per_system = 1_000_000
calls = 1_000_000

[consumers.tests.keys.tests]
hash = "sha256:{hashlib.sha256(SECRET.encode()).hexdigest()}"
made = 2026-01-01T00:00:00Z
"""


def write_consumers(folder: Path, more: str = "", *, demo: bool = True) -> Path:
    """Write the project's consumers into a folder, with that of the tests, and with what a test adds.

    Without `demo` none is for demonstration, as it has to be where a system is not under an address of the sandbox.
    """
    text = (PROJECT / "consumers.toml").read_text("utf-8") + OURS + more
    file = folder / "consumers.toml"
    file.write_text(text if demo else text.replace("demo = true\n", ""), "utf-8")
    return file


@cache
def consumers_file() -> Path:
    """Write that file once for all gateways that this process starts."""
    folder = tempfile.mkdtemp(prefix="consumers-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return write_consumers(Path(folder))
