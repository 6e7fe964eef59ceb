"""Workers of one gateway speak with one another: all are asked side by side, the dead are forgotten, the slow are named."""

import asyncio
import os
import socket
import stat
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from graph.errors import SettingsWrong
from graph.operating.siblings import MAX_MESSAGE_BYTES, Handler, Siblings, Worker, meeting_folder
from graph.settings import GatewaySettings, SandboxSettings, Settings

HERE = Worker(port=8000)


def settings_in(folder: Path, state: str = "state") -> Settings:
    gateway = GatewaySettings(state=state)
    return Settings(file=folder / "motcua.toml", gateway=gateway, engine="fast", sandbox=SandboxSettings(), systems={}, batches={})


@asynccontextmanager
async def worker(folder: Path, pid: int, handlers: Mapping[str, Handler], here: Worker = HERE) -> AsyncIterator[Siblings]:
    """Run a worker that has this process id in the eyes of the others."""
    made = Siblings(settings_in(folder), here, handlers)
    made.pid = pid
    async with made:
        yield made


def doubling(number: int) -> Mapping[str, Handler]:
    async def double(body: Any) -> Any:
        return [number, body * 2]

    async def fail(_body: Any) -> Any:
        raise ValueError("099000000001")

    return {"double": double, "fail": fail}


async def test_all_workers_are_asked_and_the_one_who_asks_is_among_them(tmp_path: Path) -> None:
    async with worker(tmp_path, 1, doubling(1)) as first, worker(tmp_path, 2, doubling(2)) as second:
        assert await first.ask_all("double", 21) == ({1: [1, 42], 2: [2, 42]}, [])
        assert await second.ask_all("double", "a") == ({2: [2, "aa"], 1: [1, "aa"]}, [])


async def test_a_gateway_without_a_port_asks_itself(tmp_path: Path) -> None:
    async with Siblings(settings_in(tmp_path), Worker(), doubling(1)) as alone:
        assert await alone.ask_all("double", 1) == ({os.getpid(): [1, 2]}, [])
        assert alone.folder is None


async def test_gateways_at_other_addresses_are_not_mixed_up(tmp_path: Path) -> None:
    async with (
        worker(tmp_path, 1, doubling(1)) as first,
        worker(tmp_path, 2, doubling(2), Worker(port=8001)),
        worker(tmp_path, 3, doubling(3), Worker(host="::1", port=8000)),
    ):
        assert (await first.ask_all("double", 1))[0].keys() == {1}


async def test_a_worker_that_has_ended_is_forgotten(tmp_path: Path) -> None:
    async with worker(tmp_path, 1, doubling(1)) as first:
        assert first.folder is not None
        dead = first.folder / "2.sock"
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(str(dead))

        assert await first.ask_all("double", 1) == ({1: [1, 2]}, [])
        assert not dead.exists()


async def test_a_worker_that_does_not_answer_in_time_is_silent_but_does_it(tmp_path: Path) -> None:
    go, done = asyncio.Event(), asyncio.Event()

    async def slow(_body: Any) -> None:
        await go.wait()
        done.set()

    async def quick(_body: Any) -> str:
        return "quick"

    async with worker(tmp_path, 1, {"work": quick}) as first, worker(tmp_path, 2, {"work": slow}) as second:
        assert await first.ask_all("work", None, within=0.05) == ({1: "quick"}, [2])
        assert await second.ask_all("work", None, within=0.05) == ({1: "quick"}, [2])
        go.set()
        await done.wait()


async def test_a_worker_that_cannot_do_it_is_silent_and_no_value_is_logged(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async with worker(tmp_path, 1, doubling(1)) as first, worker(tmp_path, 2, {"fail": doubling(2)["double"]}):
        assert await first.ask_all("fail", 1) == ({2: [2, 2]}, [1])
        assert await first.ask_all("unknown", 1) == ({}, [1, 2])

    assert "ValueError" in caplog.text
    assert "099000000001" not in caplog.text


async def test_a_reply_of_another_kind_counts_as_none(tmp_path: Path) -> None:
    async with worker(tmp_path, 1, doubling(1)) as first:
        assert await first.ask_all("double", 1, returns=dict[str, int]) == ({}, [1])


async def test_a_message_that_is_too_long_is_refused(tmp_path: Path) -> None:
    async with worker(tmp_path, 1, doubling(1)) as first, worker(tmp_path, 2, doubling(2)):
        replies, silent = await first.ask_all("double", "x" * (MAX_MESSAGE_BYTES + 1), within=5.0)
        assert replies.keys() == {1}
        assert silent == [2]
        assert (await first.ask_all("double", 1))[0].keys() == {1, 2}


async def test_sockets_are_private_and_removed_at_the_end(tmp_path: Path) -> None:
    async with worker(tmp_path, 1, doubling(1)) as first:
        folder = first.folder
        assert folder == tmp_path / "state" / "workers" / "127.0.0.1-8000"
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        assert [path.name for path in folder.iterdir()] == ["1.sock"]

    assert list(folder.iterdir()) == []


async def test_two_gateways_cannot_take_the_same_place(tmp_path: Path) -> None:
    async with worker(tmp_path, 1, doubling(1)):
        with pytest.raises(SettingsWrong, match="another gateway answers here"):
            async with worker(tmp_path, 1, doubling(2)):
                pass


async def test_a_folder_whose_name_is_too_long_for_a_socket_is_replaced(tmp_path: Path) -> None:
    deep = tmp_path / ("x" * 100)
    async with worker(deep, 1, doubling(1)) as first, worker(deep, 2, doubling(2)):
        assert first.folder is not None
        assert first.folder.name.startswith("motcua-")
        assert stat.S_IMODE(first.folder.stat().st_mode) == 0o700
        assert (await first.ask_all("double", 1))[0].keys() == {1, 2}
        other = meeting_folder(settings_in(deep), HERE.host, 8001)
        assert other != first.folder

    for folder in (first.folder, other):
        folder.rmdir()


def test_a_folder_that_others_may_enter_stops_the_start(tmp_path: Path) -> None:
    (tmp_path / "state" / "workers" / "127.0.0.1-8000").mkdir(mode=0o755, parents=True)

    with pytest.raises(SettingsWrong, match=r"motcua\.toml: gateway\.state: expected .* \(chmod 700\)"):
        Siblings(settings_in(tmp_path), HERE, {})


def test_a_state_that_is_no_folder_stops_the_start(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("")

    with pytest.raises(SettingsWrong, match=r"motcua\.toml: gateway\.state: expected a folder that can be written"):
        Siblings(settings_in(tmp_path), HERE, {})
