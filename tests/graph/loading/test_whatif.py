"""T-O1, T-O3, T-O4: what the simulations predict of other knobs is what the real cache then does, and they cost little."""

import math
import random
from typing import Any

import msgspec
import pytest

from bench.traces import TRACES, Trace
from graph.loading.cache import MISSING, Partition, ResolverCache
from graph.loading.curves import Curves, predict, recommended_ttl
from graph.loading.drawing import drawn_svg, drawn_text
from graph.loading.sharing import EVERYBODY
from graph.loading.whatif import Meter, WhatIf
from graph.settings import BatchSettings
from tests.graph.loading.register import Person, Register, Row

GAP = 0.2  # seconds between two lookups of a trace
NAME = "n" * 200
ENTRY_BYTES = 800  # about what an entry of these records weighs
HARDLY_ANY = 2.0**-12  # the sample where only the real cache is of interest


class Key(Person):
    """A key whose hash, and so whether it is in a sample, is the same in every run."""

    __slots__ = ()

    def __hash__(self) -> int:
        return int(self)


class Clock:
    """A clock that is put forward by hand."""

    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


class Played:
    """A real resolver cache through which a trace was played; records change at random, as often as told."""

    def __init__(
        self, trace: Trace, knobs: BatchSettings, *, accesses: int = 60_000, changes_a_second: float = 0.0, rate: float = 1.0
    ) -> None:
        self.clock = Clock()
        self.cache: ResolverCache[Any, Any] = ResolverCache(Register().batch, knobs, self.clock)
        # The test plays a day in seconds, so what the simulations take of it says nothing here.
        self.cache.whatif = WhatIf(knobs, self.clock, lambda: self.cache.figures.lookups, Meter(share=1e9))
        if rate < 1:
            self.cache.whatif._lower(rate)
        self.changes_a_second = changes_a_second
        self.dice = random.Random(11)  # noqa: S311 - a repeatable test
        self.versions: dict[int, tuple[float, int]] = {}
        self.out_of_date = 0
        partition: Partition[Any, Any] = Partition(self.cache, EVERYBODY)
        for key in trace.draw(accesses):
            self.clock.now += GAP
            self._look_up(partition, key)

    def _look_up(self, partition: Partition[Any, Any], key: int) -> None:
        person, version = Key(key), self._version(key)
        kept = partition.get(person)
        if kept is MISSING:
            partition.missed(person)
            partition.keep(person, Row(code=person, name=f"{NAME}{version}", partner=None), started=self.clock.now)
        elif kept.name != f"{NAME}{version}":  # type: ignore[union-attr]  # a row
            self.out_of_date += 1

    def _version(self, key: int) -> int:
        """Let a record change as often as is likely since it was looked at last."""
        seen, version = self.versions.get(key, (self.clock.now, 0))
        if self.dice.random() < -math.expm1(-self.changes_a_second * (self.clock.now - seen)):
            version += 1
        self.versions[key] = (self.clock.now, version)
        return version

    @property
    def hit_ratio(self) -> float:
        """The share of lookups that the cache answered."""
        figures = self.cache.figures
        return figures.hits / figures.lookups

    def curves(self) -> Curves:
        """Return what the simulations found."""
        return self.cache.whatif.curves()


def knobs_for(trace: Trace, **knobs: Any) -> BatchSettings:
    return BatchSettings(**{"max_bytes": max(65_536, trace.entries * ENTRY_BYTES), "ttl_seconds": 600, **knobs})


TURNS: list[dict[str, Any]] = [{"bytes": 4.0}, {"bytes": 0.5}, {"ttl_seconds": 60.0}, {"ttl_seconds": 3_600.0}, {"eviction": "lru"}]


@pytest.mark.parametrize("trace", TRACES[:3], ids=[trace.name for trace in TRACES[:3]])
def test_to1_what_is_predicted_for_other_knobs_is_what_the_real_cache_then_does(trace: Trace) -> None:
    knobs = knobs_for(trace)
    curves = Played(trace, knobs).curves()
    for turn in TURNS:
        changed = {key: value for key, value in turn.items() if key != "bytes"}
        proposed = msgspec.structs.replace(knobs, max_bytes=int(knobs.max_bytes * turn.get("bytes", 1.0)), **changed)
        predicted = predict(curves, knobs, proposed).proposed
        assert predicted is not None
        assert predicted.hit_ratio == pytest.approx(Played(trace, proposed, rate=HARDLY_ANY).hit_ratio, abs=0.02), turn


def test_to1_a_sample_of_a_quarter_of_the_keys_is_off_by_few_points() -> None:
    trace = TRACES[1]
    knobs = knobs_for(trace)
    sampled, whole = Played(trace, knobs, rate=0.25), Played(trace, knobs)
    for mine, true in zip(sampled.curves().by_size("s3fifo"), whole.curves().by_size("s3fifo"), strict=True):
        assert mine.hit_ratio == pytest.approx(true.hit_ratio, abs=0.04)


def test_tc8_where_lru_serves_more_than_two_points_better_the_curves_say_so() -> None:
    trace = TRACES[5]
    curves = Played(trace, knobs_for(trace, ttl_seconds=86_400), rate=0.5).curves()
    now = curves.bytes
    ours, lru = (next(point.hit_ratio for point in curves.by_size(policy) if point.bytes == now) for policy in ("s3fifo", "lru"))

    assert trace.name == "drifting, 2,000 entries"
    assert ours < lru - 0.02


def test_to4_modelled_staleness_is_what_a_changing_population_shows() -> None:
    trace = TRACES[1]
    knobs = knobs_for(trace, ttl_seconds=1_800, jitter=0)
    played = Played(trace, knobs, changes_a_second=1 / 20_000)
    expected = predict(played.curves(), knobs, knobs).now

    assert expected is not None
    true = played.out_of_date / played.cache.figures.lookups
    assert true > 0.005
    assert expected.stale_low * 0.9 <= true <= expected.stale_high * 1.1


def test_a_recommended_ttl_keeps_the_bound_on_out_of_date_answers() -> None:
    trace = TRACES[1]
    knobs = knobs_for(trace, ttl_seconds=1_800, jitter=0)
    curves = Played(trace, knobs, changes_a_second=1 / 20_000).curves()
    advised = recommended_ttl(curves, 0.01, 86_400)

    assert advised is not None
    again = Played(trace, msgspec.structs.replace(knobs, ttl_seconds=advised), changes_a_second=1 / 20_000, rate=HARDLY_ANY)
    assert again.out_of_date / again.cache.figures.lookups <= 0.012
    assert recommended_ttl(curves, 0.01, 60.0) == 60.0


def test_with_little_traffic_nothing_is_said() -> None:
    trace = TRACES[0]
    knobs = knobs_for(trace)
    curves = Played(trace, knobs, accesses=500).curves()

    assert predict(curves, knobs, knobs).enough_data is False
    assert recommended_ttl(curves, 0.01, 3_600) is None
    assert "Not enough data" in drawn_text(curves, knobs)


def test_curves_of_processes_add_up_and_travel_as_json() -> None:
    trace = TRACES[0]
    knobs = knobs_for(trace)
    one = Played(trace, knobs, accesses=5_000).curves()
    both = one.add(msgspec.json.decode(msgspec.json.encode(one), type=Curves))

    assert both.lookups_a_day == pytest.approx(2 * one.lookups_a_day)
    assert [point.hit_ratio for point in both.points] == pytest.approx([point.hit_ratio for point in one.points])


def test_to3_the_sample_shrinks_until_it_takes_no_more_than_its_share() -> None:
    """With clocks of the test's own: each digest takes a second of ten, which is ten times the share."""
    own, whole = iter(range(1_000_000)), iter(range(0, 100_000_000, 10))
    clock = Clock()
    whatif = WhatIf(BatchSettings(), clock, None, Meter(0.01, lambda: float(next(own)), lambda: float(next(whole))))
    for number in range(20_000):
        clock.now += 0.1
        if whatif.samples(hash(str(number % 900))):
            whatif.access(hash(str(number % 900)), 100, clock.now)

    assert whatif.rate <= 0.02


def test_to3_no_more_keys_are_simulated_than_fit_the_bound() -> None:
    clock = Clock()
    whatif = WhatIf(BatchSettings(max_bytes=1 << 30), clock, None, Meter(share=1e9))
    for number in range(60_000):
        clock.now += 0.01
        sample = hash(("key", number))
        if whatif.samples(sample):
            whatif.access(sample, 0, clock.now)
            whatif.fetched(sample, 500, None, changed=False)
    whatif.digest()

    assert whatif.rate < 0.2
    assert len(whatif._seen) <= 2 * 8_192


def test_the_drawings_show_every_line_and_what_the_owner_forbids() -> None:
    trace = TRACES[1]
    knobs = knobs_for(trace, longest_ttl_seconds=1_800)
    curves = Played(trace, knobs, changes_a_second=1 / 20_000).curves()
    text, svg = drawn_text(curves, knobs), drawn_svg(curves, knobs)

    assert "lru" in text
    assert sum(line.startswith("*") for line in text.splitlines()) == 2
    assert any(line.startswith("!") for line in text.splitlines())
    assert svg.count("<polyline") == 5
    assert svg.startswith("<svg ")
    assert "http" not in svg.replace("http://www.w3.org/2000/svg", "")
    assert '<rect x="' in svg
