"""`motcua consents`, as an operator runs it, against the operators' interface over real HTTP."""

import asyncio
import socket
import threading
from collections.abc import Iterator

import msgspec
import pytest
import uvicorn
from starlette.applications import Starlette

from graph.access.consent_stores import open_consents
from graph.commands.consents import consents
from graph.errors import SettingsWrong
from graph.operating.consents import ConsentDesk, ConsentStates, consent_routes
from resolvers.identifiers import PersonalId
from tests.graph.operating.test_consents import REGISTRY, TOKEN, WHO
from tests.servers import wait_until


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    """Serve the routes; the address, and a settings file that says where the token is."""
    folder = tmp_path_factory.mktemp("gateway")
    (folder / "token").write_text(TOKEN)
    settings = folder / "motcua.toml"
    settings.write_text('[admin]\ntoken = "file:token"\n')
    store = open_consents("sqlite:consents.db", folder)
    asyncio.run(store.__aenter__())
    desk = ConsentDesk(store, lambda: REGISTRY, PersonalId.parse)
    server = uvicorn.Server(uvicorn.Config(Starlette(routes=consent_routes(desk, TOKEN)), lifespan="off", log_level="warning"))
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        thread = threading.Thread(target=server.run, args=([listener],))
        thread.start()
        wait_until(lambda: server.started)
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}", str(settings)
        finally:
            server.should_exit = True
            thread.join(10)


def run(gateway: tuple[str, str], *words: str) -> int:
    url, settings = gateway
    code: int = consents([*words, "--url", url, "--settings", settings], result_action="return_value")
    return code


def listed(gateway: tuple[str, str], capsys: pytest.CaptureFixture[str], *words: str) -> ConsentStates:
    assert run(gateway, "list", "--json", *words) == 0
    return msgspec.json.decode(capsys.readouterr().out, type=ConsentStates)


def test_a_consent_is_entered_listed_and_withdrawn(gateway: tuple[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    entering = ("--person", WHO, "--consumer", "bank", "--purpose", "loan", "--expires", "2090-01-01T00:00:00+07:00")
    assert run(gateway, "add", *entering, "--field", "Citizen.fullName", "--field", "Citizen.birthDate", "--reference", "file 7") == 0
    consent_id = capsys.readouterr().out.strip()

    (found,) = listed(gateway, capsys, "--person", WHO).consents
    assert (found.id, found.fields, found.reference, found.live) == (consent_id, ("Citizen.fullName", "Citizen.birthDate"), "file 7", True)
    assert listed(gateway, capsys, "--consumer", "shop").consents == []

    assert run(gateway, "withdraw", consent_id) == 0
    assert capsys.readouterr().out == f"bank may read nothing any more for loan by the consent {consent_id}.\n"
    assert run(gateway, "list", "--purpose", "loan") == 0
    shown = capsys.readouterr().out
    assert f"{consent_id}  bank      loan     Citizen.fullName, Citizen.birthDate  withdrawn" in shown
    assert WHO not in shown


@pytest.mark.parametrize(
    ("words", "wrong"),
    [
        (("withdraw", "unknown"), "no such consent"),
        (("add", "--person", "1", "--consumer", "bank", "--purpose", "loan"), "PersonalId"),
        (("add", "--person", WHO, "--consumer", "bank", "--purpose", "task"), "takes consent"),
        (("add", "--person", WHO, "--consumer", "bank", "--purpose", "loan", "--expires", "2090-01-01"), "offset from UTC"),
        (("add", "--person", WHO, "--consumer", "bank", "--purpose", "loan", "--expires", "soon"), "offset from UTC"),
    ],
)
def test_what_cannot_be_is_refused_in_a_line(gateway: tuple[str, str], words: tuple[str, ...], wrong: str) -> None:
    with pytest.raises(SettingsWrong, match=wrong) as refused:
        run(gateway, *words)

    assert WHO not in refused.value.message
