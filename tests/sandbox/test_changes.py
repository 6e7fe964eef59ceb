"""A person's name can be changed at the population system, for tests of what is remembered of them."""

import httpx

from sandbox import personas
from tests.sandbox.wire import CITIZENS, child, citizen, household, post_books, verified


async def test_only_the_population_systems_own_record_has_the_new_name(client: httpx.AsyncClient) -> None:
    changed = await client.put(f"/_sandbox/people/{personas.THU}", json={"full_name": "Nguyễn Văn Thư Mới"})
    (thu,) = await citizen(client, personas.THU)
    (minh_anh,) = await citizen(client, personas.MINH_ANH)
    (home,) = await household(client, personas.THU)
    book = (await post_books(client, [personas.THU])).json()["danhSach"][0]["duLieu"]

    assert changed.status_code == 204
    assert child(thu, "HoVaTen") == {"Ho": "NGUYỄN", "ChuDem": "VĂN THƯ", "Ten": "MỚI"}
    assert child(minh_anh, "Cha")["HoVaTen"] == book["hoTen"] == "NGUYỄN VĂN THƯ"
    assert "NGUYỄN VĂN THƯ" in {element.text for element in home.iter(CITIZENS + "HoVaTen")}


async def test_the_check_of_name_and_birth_date_goes_by_the_new_name(client: httpx.AsyncClient) -> None:
    await client.put(f"/_sandbox/people/{personas.THU}", json={"full_name": "Lê Thư"})

    assert await verified(client, personas.THU, "LETHU", NgayThangNam="19850214")
    assert not await verified(client, personas.THU, "NGUYENVANTHU", NgayThangNam="19850214")


async def test_a_name_of_one_word_is_a_given_name(client: httpx.AsyncClient) -> None:
    await client.put(f"/_sandbox/people/{personas.THU}", json={"full_name": "Thư"})
    (thu,) = await citizen(client, personas.THU)

    assert child(thu, "HoVaTen") == {"Ho": "", "ChuDem": "", "Ten": "THƯ"}


async def test_everybody_gets_their_own_name_back(client: httpx.AsyncClient) -> None:
    await client.put(f"/_sandbox/people/{personas.THU}", json={"full_name": "Lê Thư"})
    undone = await client.delete("/_sandbox/people")
    (thu,) = await citizen(client, personas.THU)

    assert undone.status_code == 204
    assert child(thu, "HoVaTen") == {"Ho": "NGUYỄN", "ChuDem": "VĂN", "Ten": "THƯ"}


async def test_nobody_cannot_be_renamed(client: httpx.AsyncClient) -> None:
    unknown = await client.put(f"/_sandbox/people/{personas.NOBODY}", json={"full_name": "Lê Thư"})
    nameless = await client.put(f"/_sandbox/people/{personas.THU}", json={"full_name": 7})

    assert (unknown.status_code, nameless.status_code) == (404, 400)
