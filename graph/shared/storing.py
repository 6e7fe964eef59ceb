"""Storing: sealed answers are written and listed under their labels in one step, so that none ever stands there without being found.

A list lives as long as the last of its entries, and those whose time is over leave it.
"""

from collections import defaultdict
from collections.abc import Sequence
from typing import Final, NamedTuple

from graph.shared.store import Command

# A script, because it is one command with one reply: to read the replies to thousands of commands would cost more time than all the rest.
STORE: Final = """
local now, lists, at = ARGV[1], tonumber(ARGV[2]), 3
for _ = 1, lists do
  local list, life, last = ARGV[at], tonumber(ARGV[at + 1]), at + 2 + 2 * tonumber(ARGV[at + 2])
  redis.call('ZREMRANGEBYSCORE', list, '-inf', now)
  for member = at + 3, last, 2 do
    redis.call('ZADD', list, 'GT', ARGV[member], ARGV[member + 1])
  end
  if redis.call('PTTL', list) < life then
    redis.call('PEXPIRE', list, life)
  end
  at = last + 1
end
for entry = at, #ARGV, 3 do
  redis.call('SET', ARGV[entry], ARGV[entry + 1], 'PX', ARGV[entry + 2])
end
"""


class Sealed(NamedTuple):
    """An answer as it is stored: where, for how long, and the lists in which it stands."""

    name: str
    value: bytes
    milliseconds: int
    lists: Sequence[str]


def storing(answers: Sequence[Sealed], now: int) -> Command:
    """Make the command that stores answers; `now` is in milliseconds since 1970."""
    by_list: dict[str, list[Sealed]] = defaultdict(list)
    for one in answers:
        for name in one.lists:
            by_list[name].append(one)
    listed = [part for name, members in by_list.items() for part in _listed(name, members, now)]
    stored = [part for one in answers for part in (one.name, one.value, one.milliseconds)]
    return ("EVAL", STORE, 0, now, len(by_list), *listed, *stored)


def _listed(name: str, members: Sequence[Sealed], now: int) -> list[str | int]:
    """Write down a list for the script: where, for how long, how many entries, and each with the moment when its time is over."""
    longest = max(one.milliseconds for one in members)
    return [name, longest, len(members), *(part for one in members for part in (now + one.milliseconds, one.name))]
