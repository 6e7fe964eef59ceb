"""API keys: made at random, stored as a hash, and refused where anything is different."""

import hashlib
import time
from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from graph.access.keys import ApiKeys, new_key
from graph.access.registry import ApiKey, Consumer
from graph.errors import Unauthenticated

NOW = time.time()


def consumer(name: str, *keys: ApiKey) -> Consumer:
    return Consumer(name, "Ward People's Committee", "state", {}, keys=keys)


def refusal(keys: ApiKeys, presented: bytes, now: float = NOW) -> str:
    with pytest.raises(Unauthenticated) as refused:
        keys.holder(presented, now)
    return refused.value.message


def test_a_key_leads_to_the_consumer_that_has_it() -> None:
    (text, key), (other, second) = new_key(), new_key("desk-2")
    keys = ApiKeys([consumer("a", key), consumer("b", second)])
    assert keys.holder(text.encode(), NOW).consumer.name == "a"
    assert keys.holder(other.encode(), NOW) == (consumer("b", second), float("inf"))


def test_what_is_stored_is_the_hash_of_at_least_32_random_bytes_and_never_the_secret() -> None:
    text, key = new_key("desk-1")
    prefix, key_id, secret = text.split("_")
    assert (prefix, key_id, key.id) == ("mcu", "desk-1", "desk-1")
    assert len(bytes.fromhex(secret)) == 32
    assert key.hash == f"sha256:{hashlib.sha256(secret.encode()).hexdigest()}"
    assert secret not in repr(key)


def test_no_two_keys_are_alike() -> None:
    made = [new_key() for _ in range(1_000)]
    assert len({text for text, _ in made}) == len({key.id for _, key in made}) == len({key.hash for _, key in made}) == 1_000


@pytest.mark.parametrize("key_id", ["", "A", "a_b", "a b", "é", "a" * 65, "a\n"])
def test_an_id_that_would_not_be_found_again_is_refused(key_id: str) -> None:
    with pytest.raises(ValueError, match="expected an id"):
        new_key(key_id)


def test_a_key_is_known_until_it_expires_and_not_at_that_moment() -> None:
    text, key = new_key()
    expires = datetime.fromtimestamp(NOW, UTC) + timedelta(seconds=60)
    keys = ApiKeys([consumer("a", msgspec.structs.replace(key, expires=expires))])
    assert keys.holder(text.encode(), NOW + 59.9).until == expires.timestamp()
    assert "expired" in refusal(keys, text.encode(), expires.timestamp())


def test_only_the_right_secret_with_the_right_id_is_known() -> None:
    (text, key), (other, second) = new_key("first"), new_key("second")
    keys = ApiKeys([consumer("a", key), consumer("b", second)])
    crossed = f"mcu_first_{other.split('_')[2]}"
    for wrong in (crossed, text.replace("first", "third"), text[:-1] + ("0" if text[-1] != "0" else "1"), text + "0", text[:-1]):
        assert refusal(keys, wrong.encode()) == "The API key is not known"


def test_the_stored_hash_is_no_key() -> None:
    _, key = new_key("first")
    keys = ApiKeys([consumer("a", key)])
    assert refusal(keys, f"mcu_first_{key.hash.removeprefix('sha256:')}".encode()) == "The API key is not known"


@pytest.mark.parametrize(
    "presented",
    [b"", b"mcu", b"mcu_", b"mcu_a_", b"mcu__" + b"0" * 64, b"mcu_a_" + b"0" * 42, b"mcu_a_" + b"0" * 257, b"\xff" * 80, b"xyz"],
)
def test_what_is_not_written_as_a_key_is_refused_before_anything_is_computed(presented: bytes) -> None:
    assert "not well formed" in refusal(ApiKeys([]), presented)


def test_a_key_that_two_consumers_claim_is_nobodys() -> None:
    text, key = new_key()
    keys = ApiKeys([consumer("a", key), consumer("b", key), consumer("c", key)])
    assert refusal(keys, text.encode()) == "The API key is not known"


def test_a_consumer_may_have_two_keys_while_one_takes_the_others_place() -> None:
    (text, key), (other, second) = new_key(), new_key()
    keys = ApiKeys([consumer("a", key, second)])
    assert {keys.holder(one.encode(), NOW).consumer.name for one in (text, other)} == {"a"}


def test_no_refusal_quotes_the_key() -> None:
    text, key = new_key("visible-id")
    over = msgspec.structs.replace(key, expires=datetime.fromtimestamp(NOW - 1, UTC))
    for keys in (ApiKeys([]), ApiKeys([consumer("a", over)])):
        for presented in (text, text + "0", "visible-id " + text):
            said = refusal(keys, presented.encode())
            assert "visible-id" not in said
            assert text.split("_")[2] not in said
