"""The memory for proofs: how long, and how many."""

from graph.access.memo import Memo


def test_a_value_is_remembered_until_its_moment_and_not_at_it() -> None:
    memo: Memo[str] = Memo(8)
    memo.keep(b"a", "found", 60.0)
    assert (memo.get(b"a", 59.9), memo.get(b"a", 60.0), memo.get(b"b", 0.0)) == ("found", None, None)


def test_it_never_holds_more_than_it_may() -> None:
    memo: Memo[int] = Memo(8)
    for number in range(1_000):
        memo.keep(b"%d" % number, number, 60.0)
        assert len(memo) <= 8
    assert memo.get(b"999", 0.0) == 999


def test_what_is_asked_for_outlives_a_flood_of_what_is_not() -> None:
    memo: Memo[int] = Memo(8)
    memo.keep(b"asked for", 1, 60.0)
    for number in range(1_000):
        memo.keep(b"%d" % number, number, 60.0)
        assert memo.get(b"asked for", 0.0) == 1
        assert len(memo) <= 8


def test_a_value_kept_again_is_the_new_one_in_whichever_generation_the_old_one_was() -> None:
    for between in range(12):
        memo: Memo[str] = Memo(8)
        memo.keep(b"a", "old", 60.0)
        for number in range(between):
            memo.keep(b"%d" % number, "other", 60.0)
        memo.keep(b"a", "new", 60.0)
        assert memo.get(b"a", 0.0) == "new"


def test_a_value_kept_again_and_again_drives_no_other_out() -> None:
    memo: Memo[int] = Memo(8)
    for number in range(8):
        memo.keep(b"%d" % number, number, 60.0)
    for _ in range(1_000):
        memo.keep(b"7", 7, 60.0)
    assert memo.get(b"0", 0.0) == 0


def test_nothing_is_remembered_once_it_is_cleared() -> None:
    memo: Memo[str] = Memo(8)
    for number in range(8):
        memo.keep(b"%d" % number, "found", 60.0)
    memo.clear()
    assert len(memo) == 0
    assert memo.get(b"1", 0.0) is None
