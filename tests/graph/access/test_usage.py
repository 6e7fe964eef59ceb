"""The figures of consumers: added up over all workers, exposed under configured names, and bounded."""

import msgspec
from prometheus_client import generate_latest

from graph.access.usage import CONSUMERS_AT_MOST, OTHER, Usage
from graph.operating.metrics import Counted, Counts, Exposition, Total
from graph.operating.operations import Requests


def exposed(usage: Usage) -> set[str]:
    text = generate_latest(Exposition(Total({}, {}, Requests(), 1, 0, usage))).decode()
    return {line for line in text.splitlines() if line.startswith(("motcua_consumer", "motcua_fees"))}


def office(cost: int) -> Usage:
    usage = Usage()
    figures = usage.of("office")
    figures.note("partial", ["FORBIDDEN_FIELD", "UPSTREAM_TIMEOUT"])
    figures.cost += cost
    figures.charged({"land": 700, "register": 300})
    figures.went_beyond(["keys"])
    return usage


def test_figures_of_all_workers_are_added_up_and_told_by_consumer() -> None:
    total = office(5)
    total.add(office(7))
    total.of(None).note("ok")
    assert exposed(total) == {
        'motcua_consumer_requests_total{consumer="anonymous",outcome="ok"} 1.0',
        'motcua_consumer_requests_total{consumer="office",outcome="partial"} 2.0',
        'motcua_consumer_cost_total{consumer="anonymous"} 0.0',
        'motcua_consumer_cost_total{consumer="office"} 12.0',
        'motcua_consumer_refused_total{code="FORBIDDEN_FIELD",consumer="office"} 2.0',
        'motcua_consumer_beyond_limit_total{consumer="office",limit="keys"} 2.0',
        'motcua_fees_vnd_total{consumer="office",system="land"} 1400.0',
        'motcua_fees_vnd_total{consumer="office",system="register"} 600.0',
    }


async def test_a_worker_tells_them_to_the_others_as_they_are_now() -> None:
    usage = office(5)
    counts = Counts(list, list, Requests(), usage)
    usage.of("office").cost += 2
    told = msgspec.json.decode(msgspec.json.encode(await counts.counted(None)), type=Counted)
    assert told.usage == usage


def test_consumers_beyond_the_bound_are_counted_together() -> None:
    usage = Usage()
    for number in range(CONSUMERS_AT_MOST + 10):
        usage.of(f"consumer {number}").cost += 1
    assert len(usage.consumers) == CONSUMERS_AT_MOST + 1
    assert usage.consumers[OTHER].cost == 10


def test_taking_in_another_worker_leaves_what_it_told_untouched_from_then_on() -> None:
    mine, its = office(1), office(2)
    mine.add(its)
    mine.of("office").cost += 10
    assert its.consumers["office"].cost == 2
