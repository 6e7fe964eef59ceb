"""A code list says which version of an answer it gives, and spares a caller who has it the answer."""

import httpx
import pytest

from tests.sandbox.test_faults import put
from tests.sandbox.wire import bearer, get_list

PEOPLES = "Category/madantoc?code=01&code=02"


async def ask(client: httpx.AsyncClient, path: str, known: str) -> httpx.Response:
    """Ask for a list and say which version is known."""
    return await client.get(f"/code-lists/{path}", headers={**bearer("code_lists"), "If-None-Match": known})


async def not_modified(client: httpx.AsyncClient) -> tuple[int, int]:
    """Return the calls to the code lists, and how many were told that nothing has changed."""
    counts = (await client.get("/_sandbox/calls")).json()["code_lists"]
    return counts["calls"], counts["not_modified"]


async def test_a_known_answer_is_not_sent_again(client: httpx.AsyncClient) -> None:
    tag = (await get_list(client, PEOPLES)).headers["etag"]
    again = await ask(client, PEOPLES, tag)

    assert tag.startswith('"')
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
    assert await not_modified(client) == (2, 1)


@pytest.mark.parametrize("form", ["*", 'W/{}, "old"', '"old",{}'])
async def test_a_known_answer_is_recognised_among_others(client: httpx.AsyncClient, form: str) -> None:
    tag = (await get_list(client, PEOPLES)).headers["etag"]

    assert (await ask(client, PEOPLES, form.format(tag))).status_code == 304


async def test_each_set_of_codes_has_a_version_of_its_own(client: httpx.AsyncClient) -> None:
    tag = (await get_list(client, PEOPLES)).headers["etag"]
    other = await ask(client, "Category/madantoc?code=01", tag)

    assert other.status_code == 200
    assert other.headers["etag"] != tag
    assert await not_modified(client) == (2, 0)


async def test_neither_columns_nor_refusals_have_a_version(client: httpx.AsyncClient) -> None:
    columns = await ask(client, "Metadata/madantoc", "*")
    refused = await ask(client, "Category/nothing", "*")

    assert ("etag" in columns.headers, columns.status_code) == (False, 200)
    assert ("etag" in refused.headers, refused.status_code) == (False, 404)


async def test_a_fault_comes_before_revalidation(client: httpx.AsyncClient) -> None:
    tag = (await get_list(client, PEOPLES)).headers["etag"]
    await put(client, "code_lists", "status", code=503, times=1)
    faulty = await ask(client, PEOPLES, tag)
    await put(client, "code_lists", "missing", times=1)
    incomplete = await ask(client, PEOPLES, tag)

    assert (faulty.status_code, "etag" in faulty.headers) == (503, False)
    assert (incomplete.status_code, len(incomplete.json()["rows"])) == (200, 1)
    assert (await ask(client, PEOPLES, tag)).status_code == 304


async def test_a_delayed_answer_is_revalidated_too(client: httpx.AsyncClient) -> None:
    tag = (await get_list(client, PEOPLES)).headers["etag"]
    await put(client, "code_lists", "delay", seconds=0)

    assert (await ask(client, PEOPLES, tag)).status_code == 304


async def test_a_renamed_row_changes_the_answers_that_hold_it_until_it_is_undone(client: httpx.AsyncClient) -> None:
    other = "Category/madantoc?code=03"
    tag, tag_of_other = [(await get_list(client, path)).headers["etag"] for path in (PEOPLES, other)]
    renamed = await client.put("/_sandbox/code-lists/madantoc/02", json={"name": "Tày mới"})
    changed = await ask(client, PEOPLES, tag)
    unchanged = await ask(client, other, tag_of_other)
    undone = await client.delete("/_sandbox/code-lists")

    assert (renamed.status_code, undone.status_code) == (204, 204)
    assert changed.json()["rows"] == [{"Ma": "01", "Ten": "Kinh"}, {"Ma": "02", "Ten": "Tày mới"}]
    assert changed.headers["etag"] != tag
    assert unchanged.status_code == 304
    assert (await ask(client, PEOPLES, tag)).status_code == 304


async def test_a_place_can_be_renamed_in_the_whole_list_too(client: httpx.AsyncClient) -> None:
    await client.put("/_sandbox/code-lists/donvihanhchinhcap1/01", json={"name": "Thủ đô"})
    rows = (await get_list(client, "Category/donvihanhchinhcap1")).json()["rows"]

    assert len(rows) == 63
    assert [row["MaTinhThanh"] for row in rows if row["TenTinhThanh"] == "Thủ đô"] == ["01"]


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("nothing/01", {"name": "X"}, 404),
        ("madantoc/99", {"name": "X"}, 404),
        ("madantoc/01", {"name": " "}, 400),
        ("madantoc/01", {"title": "X"}, 400),
        ("madantoc/01", ["X"], 400),
    ],
)
async def test_a_row_is_only_renamed_as_described(client: httpx.AsyncClient, path: str, body: object, status: int) -> None:
    response = await client.put(f"/_sandbox/code-lists/{path}", json=body)

    assert response.status_code == status
    assert response.json()["error"].endswith(".")
