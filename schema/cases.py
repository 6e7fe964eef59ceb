"""Cases: how far what was applied for is, said in the same words for every system that works by cases."""

from typing import Final

import strawberry

from graph.seam import CaseState

__all__ = ["CaseState"]

MEANINGS: Final = {
    CaseState.READY: "There is a result (đã có kết quả).",
    CaseState.PENDING: "It is still being worked on; ask again later (đang giải quyết).",
    CaseState.FAILED: "It has ended without a result (bị từ chối).",
}
described = strawberry.enum(CaseState, name="CaseState", description="How far a case is (trạng thái hồ sơ).")

# The runtime knows states and no GraphQL, so what each means to clients is said here.
for value in described.__strawberry_definition__.values:  # type: ignore[attr-defined]  # put there by strawberry.enum
    value.description = MEANINGS[CaseState(value.value)]
