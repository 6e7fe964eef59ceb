"""GraphQL over HTTP as its working group checks it: every audit of the npm package graphql-http, also those that are only recommended."""

import shutil
from pathlib import Path

import msgspec

from graph.pages.build import find_node, install_packages
from tests.consumers import KEY

AUDITS = 61

HERE = Path(__file__).parent
SCRATCH = HERE.parents[1] / ".cache" / "graphql-http"


class Verdict(msgspec.Struct, frozen=True):
    """What one audit found."""

    id: str
    name: str
    status: str
    reason: str


def audit(url: str) -> list[Verdict]:
    """Run all audits against a GraphQL address, as somebody who may look at the schema."""
    node = find_node()
    SCRATCH.mkdir(parents=True, exist_ok=True)
    for name in ("package.json", "audit.mjs"):
        shutil.copyfile(HERE / name, SCRATCH / name)
    install_packages(node, SCRATCH)
    return msgspec.json.Decoder(Verdict).decode_lines(node.run([node.program, "audit.mjs", url, KEY], SCRATCH))


def test_every_audit_of_graphql_over_http_is_passed(gateway_url: str) -> None:
    verdicts = audit(f"{gateway_url}/graphql")

    assert len(verdicts) == AUDITS
    failed = [f"{verdict.status:6} {verdict.id} {verdict.name}: {verdict.reason}" for verdict in verdicts if verdict.status != "ok"]
    assert not failed, "\n".join([f"{len(failed)} of {len(verdicts)} audits are not passed:", *failed])
