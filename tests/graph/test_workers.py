"""Several processes behind one port: begun together, begun again when one dies, ended together, and able to speak with one another."""

import contextlib
import os
import re
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from graph.operating.siblings import Siblings, Worker
from graph.settings import load_settings
from graph.workers import LONGEST_PAUSE_SECONDS, STEADY_SECONDS, pause_after
from tests.servers import PROJECT, TOKENS, Sandbox, changed_settings, ended, free_port, motcua, wait_for, wait_until

SCRIPT = """
import os, signal, socket, sys
from graph.errors import MotcuaError, SettingsWrong
from graph.workers import Workers

def say(words):
    os.write(1, (words + "\\n").encode())  # in one piece, whoever else writes

def work(number, ready):
    say(f"begun {number} {os.getpid()}")
    {{what}}
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    ready()
    while True:
        signal.pause()

with socket.socket() as listener:
    try:
        code = Workers(2, work, listener, warn=say).run(ready=lambda: say("all ready"), limit={{limit}})
    except MotcuaError as error:
        say("refused " + error.message)
        code = 2
say(f"ended {code}")
"""


@contextlib.contextmanager
def supervised(what: str = "pass", limit: float = 10.0) -> Iterator["subprocess.Popen[str]"]:
    """Run two workers that do this before they are ready."""
    script = SCRIPT.replace("{{what}}", what).replace("{{limit}}", str(limit))
    pipe = subprocess.PIPE
    with ended(subprocess.Popen([sys.executable, "-c", script], cwd=PROJECT, text=True, stdout=pipe, stderr=pipe)) as process:
        yield process


def read_until(process: "subprocess.Popen[str]", words: str) -> str:
    """Read what is said up to the line with these words."""
    said = ""
    for line in process.stdout or ():
        said += line
        if words in line:
            return said
    raise AssertionError(f"{words!r} was not said, but {said!r}")


def begun(said: str) -> dict[int, int]:
    """Find the process id of each worker by its number."""
    return {int(number): int(pid) for number, pid in re.findall(r"^begun (\d) (\d+)$", said, re.MULTILINE)}


def test_all_are_ready_once_and_end_together() -> None:
    with supervised() as process:
        said = read_until(process, "all ready")
        process.send_signal(signal.SIGTERM)
        rest = read_until(process, "ended")

    assert begun(said).keys() == {1, 2}
    assert rest == "ended 0\n"
    for pid in begun(said).values():
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


def test_an_interrupt_ends_them_as_well() -> None:
    with supervised() as process:
        read_until(process, "all ready")
        process.send_signal(signal.SIGINT)
        assert read_until(process, "ended") == "ended 0\n"


def test_one_that_is_killed_is_begun_again_under_its_number() -> None:
    with supervised() as process:
        first = begun(read_until(process, "all ready"))
        os.kill(first[2], signal.SIGKILL)
        said = read_until(process, "begun 2")

    assert "Worker 2 was ended by signal 9 (SIGKILL); it is begun again in 0.5 s" in said
    assert begun(said).keys() == {2}
    assert begun(said)[2] != first[2]
    assert "all ready" not in said


@pytest.mark.parametrize(
    ("what", "said"),
    [
        ("raise SettingsWrong('motcua.toml: a: expected b')", "refused motcua.toml: a: expected b"),
        ("number == 2 and sys.exit(7)", "refused worker 2 stopped with exit code 7 before it was ready"),
        ("number == 2 and os.kill(os.getpid(), signal.SIGKILL)", "refused worker 2 was ended by signal 9 (SIGKILL) before it was ready"),
    ],
)
def test_where_one_cannot_start_all_stop_and_it_is_said_once(what: str, said: str) -> None:
    with supervised(what) as process:
        heard = read_until(process, "ended 2")
        process.wait(10)

    assert heard.count("refused") == 1
    assert said in heard
    assert heard.endswith("ended 2\n")


def test_they_end_when_their_parent_is_killed() -> None:
    with supervised() as process:
        read_until(process, "all ready")
        process.kill()
        assert process.stdout is not None
        assert process.stdout.read() == ""  # which ends only when nobody is left who could say anything


def test_one_that_does_not_end_is_killed() -> None:
    with supervised("sys.exit = lambda code: None", limit=0.2) as process:
        read_until(process, "all ready")
        process.send_signal(signal.SIGTERM)
        assert read_until(process, "ended") == "ended 0\n"


def test_the_pause_grows_while_it_dies_at_once_and_is_forgotten_when_it_does_not() -> None:
    deaths, pauses = 0, []
    for _ in range(8):
        deaths, pause = pause_after(0.1, deaths)
        pauses.append(pause)

    assert pauses[:4] == [0.5, 1, 2, 4]
    assert pauses[-1] == LONGEST_PAUSE_SECONDS
    assert pause_after(STEADY_SECONDS, deaths) == (0, 0.0)


@contextlib.contextmanager
def two_workers(sandbox: Sandbox) -> Iterator[tuple[str, Path, "subprocess.Popen[str]"]]:
    """Run a gateway of two workers; where it answers, its settings, and the parent."""
    port = free_port()
    with tempfile.TemporaryDirectory() as folder:
        settings = Path(folder) / "motcua.toml"
        settings.write_text(changed_settings(sandbox.url), "utf-8")
        command = ("serve", "--port", str(port), "--workers", "2", "--settings", str(settings))
        with ended(motcua(*command, environment=TOKENS)) as process:
            wait_for(f"http://127.0.0.1:{port}/healthz", process)
            yield f"http://127.0.0.1:{port}", settings, process


async def test_a_gateway_of_two_workers_survives_the_death_of_one(sandbox: Sandbox) -> None:
    with two_workers(sandbox) as (url, file, process):
        assert ", 2 workers;" in read_until(process, "Motcua answers at")
        settings = load_settings(file, environment=TOKENS)
        onlooker = Siblings(settings, Worker(port=int(url.rpartition(":")[2])), {})

        async def figures() -> dict[int, dict[str, object]]:
            found, _ = await onlooker.ask_all("figures", None, 5.0)
            return found

        before = await figures()
        assert len(before) == 2
        assert "citizen_by_id" in next(iter(before.values()))
        os.kill(min(before), signal.SIGKILL)
        wait_until(lambda: httpx.get(f"{url}/healthz").is_success and len(list((onlooker.folder or file).glob("*.sock"))) == 3)
        after = await figures()
        process.terminate()
        process.wait(20)
        left = list((onlooker.folder or file).iterdir())

    assert len(after) == 2
    assert len(after.keys() - before.keys()) == 1
    assert left == []


def test_a_wrong_setting_is_said_once_however_many_workers_there_are(tmp_path: Path) -> None:
    settings = tmp_path / "motcua.toml"
    settings.write_text(changed_settings("http://127.0.0.1:9").replace('"schema:schema"', '"no_such_module:schema"'), "utf-8")
    with motcua("serve", "--workers", "3", "--port", "0", "--settings", str(settings), environment=TOKENS) as process:
        out, error = process.communicate(timeout=30)

    assert process.returncode == 2
    assert out == ""
    assert error == f'motcua: {settings}: gateway.schema: expected "module:attribute"; there is no module no_such_module\n'
