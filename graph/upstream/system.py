"""A connected system: its name, who owns it, and what an operator must set for it beside its address."""

from dataclasses import dataclass, field

import msgspec


class NoOptions(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The options of a system that needs none."""


@dataclass(frozen=True, eq=False)
class System:
    """One agency system, as `resolvers/` declares it; `motcua.toml` has a section `[systems.<name>]` for it.

    `options` is a frozen msgspec struct: what the system wants in every message, read from `[systems.<name>.options]`
    and handed to batch functions as `upstream.options`.

    `per_official` says that each message carries the official who asks: then no answer and no call is ever shared between officials.
    """

    name: str
    title: str
    owner: str
    protocol: str
    options: type[msgspec.Struct] = field(default=NoOptions)
    per_official: bool = False
