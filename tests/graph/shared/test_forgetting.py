"""What is forgotten is deleted from the store, whoever put it there."""

import time

import pytest

from graph.loading.barriers import Barriers
from graph.loading.figures import Purge
from graph.loading.labels import labeller
from graph.settings import SharedSettings
from graph.shared.packing import Kept
from graph.shared.sealing import Sealer
from graph.shared.tier import SharedTier
from tests.graph.shared.sharing import (
    CITIZENS,
    OTHER,
    PERIODS,
    PERSON,
    SHARE,
    put,
)
from tests.redis_server import RedisServer


@pytest.mark.parametrize(
    ("scope", "left"),
    [
        ({"person": PERSON}, {OTHER}),
        ({"tag": "household:x"}, {PERSON, OTHER}),
        ({"batch": "citizen_by_id", "key": OTHER}, {PERSON}),
        ({"batch": "citizen_by_id"}, set()),
        ({"system": "population"}, set()),
        ({"system": "tax", "batch": "taxpayer_by_code", "key": PERSON, "person": "099085000003"}, {PERSON, OTHER}),
    ],
    ids=["person", "tag", "key", "batch", "system", "other things"],
)
async def test_a_purge_deletes_what_it_is_about_whoever_asked_for_it(
    scope: dict[str, str], left: set[str], settings: SharedSettings, sealer: Sealer
) -> None:
    shares = [("consumer", "purpose", None), ("another", "purpose", None)]
    about = {person: (f"person:{person}",) for person in (PERSON, OTHER)}
    tagged = {PERIODS.key_type("0990000001", 2024): ("tag:household:x",)}
    async with SharedTier(settings, sealer) as tier:
        for share in shares:
            tier.put(CITIZENS, share, dict.fromkeys(about, Kept(None, time.time())), 60, about)
        tier.put(PERIODS, SHARE, dict.fromkeys(tagged, Kept((), time.time())), 60, tagged)

        gone = await tier.forget(Purge(id="1", at=time.time(), **scope))

        assert gone == 2 * (2 - len(left)) + ("tag" in scope)
        assert [set(await tier.get(CITIZENS, share, list(about))) for share in shares] == [left, left]
        assert set(await tier.get(PERIODS, SHARE, list(tagged))) == ({*tagged} if "tag" not in scope else set())


async def test_a_purge_of_thousands_goes_in_portions_and_leaves_the_rest(settings: SharedSettings, sealer: Sealer) -> None:
    people = {CITIZENS.key_type(f"099085{number:06}"): Kept(None, time.time()) for number in range(2_500)}
    rest = {PERIODS.key_type(f"{number:010}", 2024): Kept((), time.time()) for number in range(2_500)}
    async with SharedTier(settings, sealer) as tier:
        tier.put(CITIZENS, SHARE, people, 60, dict.fromkeys(people, ("tag:everybody",)))
        tier.put(PERIODS, SHARE, rest, 60, {})
        await tier.settled()

        assert await tier.forget(Purge(id="1", at=time.time(), tag="everybody")) == 2_500
        assert await tier.get(CITIZENS, SHARE, list(people)) == {}
        assert await tier.forget(Purge(id="2", at=time.time(), batch="periods_by_year")) == 2_500


async def test_a_purge_of_a_person_takes_answers_of_which_nobody_knows_whom_they_are_about(
    settings: SharedSettings, sealer: Sealer
) -> None:
    key = PERIODS.key_type("0990000001", 2024)
    async with SharedTier(settings, sealer) as tier:
        put(tier, PERIODS, {key: ()})

        assert labeller(PERIODS)(key, ()) == ("person:",)
        assert await tier.forget(Purge(id="1", at=time.time(), person=PERSON)) == 1


async def test_what_was_purged_while_it_waited_is_not_stored(settings: SharedSettings, sealer: Sealer) -> None:
    barriers = Barriers(3_600)
    async with SharedTier(settings, sealer, barriers=barriers) as tier:
        put(tier, CITIZENS, {PERSON: None, OTHER: None})
        barriers.raise_for(Purge(id="1", at=time.time(), person=PERSON))
        await tier.settled()

        assert set(await tier.get(CITIZENS, SHARE, [PERSON, OTHER])) == {OTHER}


async def test_a_purge_says_when_the_store_could_not_be_reached(settings: SharedSettings, sealer: Sealer, server: RedisServer) -> None:
    async with SharedTier(settings, sealer) as tier:
        server.kill()

        assert await tier.forget(Purge(id="1", at=time.time(), person=PERSON)) is None
        assert await tier.forget(Purge(id="1", at=time.time(), system="population")) is None
