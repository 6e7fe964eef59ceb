"""Whom the load asks as: a consumer that may read everything and use as much as it likes, beside those of the project's own file."""

import hashlib
from pathlib import Path

PROJECT = Path(__file__).parent.parent
SECRET = "b" * 64
KEY = f"mcu_bench_{SECRET}"
NAME, PURPOSE, MASKING = "bench", "bench", "bench-masking"
TEXT = f"""

# ── the consumer of the benches ──────────────────────────────────────────────────────────────────────────────────────────

[purposes.{PURPOSE}]
title = "Đo hiệu năng"
legal_basis = "statutory"
ground = "Only simulated people"
fields = ["@everything"]
protected = "show"

[purposes.{MASKING}]
title = "Đo hiệu năng, che người được bảo vệ"
legal_basis = "statutory"
ground = "Only simulated people"
fields = ["@everything"]
protected = "mask"

[consumers.{NAME}]
organisation = "The benches"
kind = "state"
purposes = ["{PURPOSE}", "{MASKING}"]
default_purpose = "{PURPOSE}"
priority = "citizen"
scopes = ["citizen:sensitive", "tax:read"]
policies = ["tax-secrecy"]
explorer = true
demo = true

[consumers.{NAME}.allowances]
concurrent = 1_000_000
cost_per_minute = 10_000_000
cost = 10_000_000
persons = 1_000_000
keys = 1_000_000
keys_per_system = 1_000_000
calls = 1_000_000

[consumers.{NAME}.keys.bench]
hash = "sha256:{hashlib.sha256(SECRET.encode()).hexdigest()}"
made = 2026-01-01T00:00:00Z
"""


def write_consumers(folder: Path, more: str = "") -> None:
    """Write the project's consumers into a folder, with that of the benches, and with what one of them adds."""
    text = (PROJECT / "consumers.toml").read_text("utf-8") + TEXT + more
    (folder / "consumers.toml").write_text(text, "utf-8")
