"""Whether Airbyte can take jobs, as it follows from when it was seen and in which version."""

from dagster_airbyte_sync.resources import Steadiness


def test_an_airbyte_that_was_never_away_is_steady_at_once() -> None:
    seen = Steadiness().seen("2.0.1", 100.0)
    assert seen.is_steady
    assert seen.version == "2.0.1"


def test_a_look_is_good_for_half_a_minute() -> None:
    seen = Steadiness().seen("2.0.1", 100.0)
    assert Steadiness().is_due(100.0)
    assert [seen.is_due(now) for now in (100.0, 129.0, 130.0)] == [False, False, True]


def test_what_was_away_is_steady_when_it_is_seen_twice_ten_seconds_apart() -> None:
    gone = Steadiness().seen("2.0.1", 0.0).gone("it answered 503", 10.0)
    back = gone.seen("2.0.1", 20.0)
    assert [gone.is_steady, back.is_steady] == [False, False]
    assert not back.seen("2.0.1", 29.0).is_steady
    assert back.seen("2.0.1", 29.0).seen("2.0.1", 30.0).is_steady


def test_while_pods_of_two_versions_answer_by_turns_it_is_not_steady() -> None:
    seen = Steadiness().seen("2.0.1", 0.0)
    for turn in range(10):
        seen = seen.seen(("2.1.0", "2.0.1")[turn % 2], 10.0 * (turn + 1))
        assert not seen.is_steady
    assert seen.seen("2.0.1", 110.0).is_steady


def test_a_version_that_airbyte_does_not_say_is_no_other_version() -> None:
    seen = Steadiness().seen("2.0.1", 0.0).seen("", 40.0)
    assert seen.is_steady
    assert not seen.seen("2.1.0", 80.0).is_steady


def test_it_is_looked_for_as_often_as_anybody_asks_while_it_is_away() -> None:
    assert Steadiness().gone("it answered 503", 10.0).is_due(10.0)
    assert Steadiness().gone("it answered 503", 10.0).seen("", 11.0).is_due(11.0)


def test_the_words_say_what_is_the_matter() -> None:
    known = Steadiness().seen("2.0.1", 0.0)
    gone = known.gone("GET http://airbyte answered 503: no", 1.0)
    assert gone.words == "Airbyte is unavailable: GET http://airbyte answered 503: no"
    was = "The last problem: GET http://airbyte answered 503: no"
    assert gone.seen("2.0.1", 2.0).seen("2.0.1", 3.0).words == was
    assert known.seen("2.1.0", 1.0).words == "Airbyte was version 2.0.1 and is 2.1.0 now"
    assert gone.seen("2.1.0", 2.0).words == "Airbyte was version 2.0.1 and is 2.1.0 now"
