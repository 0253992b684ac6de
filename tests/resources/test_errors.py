"""Errors: what they report, and that they survive the way from one process to another."""

import copy
import pickle

import pytest

from dagster_airbyte_sync.resources import (
    AirbyteConflict,
    AirbyteError,
    AirbyteNotFound,
    AirbyteRefused,
    AirbyteRequestError,
    AirbyteSettingsError,
    AirbyteUnavailable,
    OutOfTime,
)
from dagster_airbyte_sync.resources.errors import (
    AirbyteRateLimited,
    NoToken,
    TokenRefused,
    TokensNotGiven,
)

WHAT = ("POST", "http://airbyte.test/jobs", "because")


def test_an_error_names_the_request_the_status_and_the_reason() -> None:
    error = AirbyteNotFound(*WHAT, status=404)
    assert str(error) == "POST http://airbyte.test/jobs answered 404: because"
    assert (error.method, error.url, error.reason, error.status) == (*WHAT, 404)


def test_without_an_answer_there_is_no_status() -> None:
    assert str(AirbyteUnavailable(*WHAT)) == "POST http://airbyte.test/jobs: because"


@pytest.mark.parametrize(
    "error",
    [
        OutOfTime("later"),
        AirbyteSettingsError("Check workspace_id."),
        AirbyteRequestError(*WHAT, status=418),
        AirbyteUnavailable(*WHAT, status=503, retry_after=3.0),
        AirbyteRateLimited(*WHAT, retry_after=7.0),
        AirbyteConflict(*WHAT, title="try-again-later"),
        TokenRefused(*WHAT, status=400),
    ],
    ids=lambda error: type(error).__name__,
)
def test_an_error_keeps_its_facts_when_it_is_pickled_or_copied(error: AirbyteError) -> None:
    for again in (pickle.loads(pickle.dumps(error)), copy.copy(error)):
        assert type(again) is type(error)
        assert str(again) == str(error)
        assert vars(again) == vars(error)


@pytest.mark.parametrize("kind", [TokenRefused, TokensNotGiven])
def test_a_token_that_is_not_given_says_nothing_about_the_endpoint_it_was_for(
    kind: type[NoToken],
) -> None:
    assert issubclass(kind, NoToken)
    assert not issubclass(kind, AirbyteRefused | AirbyteUnavailable)
