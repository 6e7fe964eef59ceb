"""Provenance: where a record comes from and how old it is."""

from datetime import datetime
from typing import Any

import strawberry

from graph.seam import field


@strawberry.type(description="Where a record comes from and how old it is (nguồn gốc dữ liệu).")
class Provenance:
    """Where a record comes from."""

    system: str = field("The connected system that said it (hệ thống nguồn).")
    fetched_at: datetime = field("When the call that brought it began (thời điểm lấy dữ liệu).")
    age_seconds: int = field("How many seconds ago that was (tuổi của dữ liệu, tính bằng giây).")
    stale: bool = field(
        "Whether it is past its time to live and was served because its system does not answer or is being asked (dữ liệu cũ)."
    )
    message_id: str | None = field("The id of the message that it came with, by which both sides find it in their logs (mã thông điệp).")


def provenance() -> Any:
    """Make the field of a type whose records come straight from a system."""
    return field("Where this comes from and how old it is (nguồn gốc dữ liệu).")
