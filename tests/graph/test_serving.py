"""Serving: requests under way are answered before the end, health is told, and a dead system does not make the gateway unready."""

import signal
import threading
from typing import Any

import httpx

from sandbox import personas
from tests.servers import SYSTEMS, Gateway, Sandbox, gateway_running, wait_until


def test_a_request_under_way_is_answered_before_the_gateway_stops(sandbox: Sandbox) -> None:
    answers: list[dict[str, Any]] = []
    with gateway_running(sandbox) as gateway, sandbox.fault("population", "delay", seconds=1):
        asking = threading.Thread(target=lambda: answers.append(gateway.ask(f'{{ citizen(id: "{personas.LAN}") {{ personalId }} }}')))
        sandbox.reset_calls()
        asking.start()
        wait_until(lambda: sandbox.calls().get("population") == 1)
        gateway.process.send_signal(signal.SIGTERM)
        asking.join(10)
        gateway.process.wait(10)

    assert answers == [{"data": {"citizen": {"personalId": personas.LAN}}}]


def test_a_gateway_is_alive_and_ready(gateway: Gateway) -> None:
    assert httpx.get(f"{gateway.url}/healthz").json() == {"status": "alive"}
    ready = httpx.get(f"{gateway.url}/readyz").json()
    assert ready["status"] == "ready"
    assert set(ready["systems"]) == set(SYSTEMS)
    assert all(system["reachable"] and system["milliseconds"] > 0 for system in ready["systems"].values())


def test_a_gateway_without_any_system_is_not_ready_and_says_why() -> None:
    with gateway_running(Sandbox("http://127.0.0.1:1")) as gateway:
        response = httpx.get(f"{gateway.url}/readyz")

    assert response.status_code == 503
    assert response.json()["status"] == "unready"
    assert response.json()["systems"]["tax"]["problem"] == "The tax system cannot be reached"
