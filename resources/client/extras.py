"""Asks the Configuration API for what is worth no sync: an answer, or None, and soon."""

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from dagster_airbyte_sync.resources.access.configuration_access import stands_for_closed
from dagster_airbyte_sync.resources.errors import AirbyteError, AirbyteRequestError, OutOfTime
from dagster_airbyte_sync.resources.http.budget import TimeBudget
from dagster_airbyte_sync.resources.http.transport import Call, Http

Record = TypeVar("Record")

_log = logging.getLogger(__name__)

# Seconds that one answer may take, whatever the budget.
_LONGEST_WAIT = 10.0
# Seconds until a question that is refused is asked again: at first soon, as a gateway refuses while
# Airbyte restarts. What it has refused for so long it refuses for good.
_REFUSED_FOR, _SURE_AFTER, _CLOSED_FOR = 20.0, 120.0, 600.0
# One that cost so many seconds for nothing is not asked for a while: there may be more jobs.
_SLOW, _SLOW_FOR = 3.0, 60.0
# One that was not answered for so many seconds, for whatever reason, is taken for refused.
_SILENT_AFTER = 300.0
# Questions are about jobs that fail: two in vain that lie further apart are no one outage.
_ONE_OUTAGE = _CLOSED_FOR + _SILENT_AFTER


@dataclass
class _Silence:
    """That a question has had no answer since a job of which it was asked in vain.

    `since` another job was in vain, too: one alone may be the job's fault.
    """

    job_id: int
    since: float | None = None


class Extras:
    """Remembers which questions Airbyte does not answer. Safe to share between threads.

    Airbyte may allow a user one endpoint and not another, so this is remembered for each question,
    such as "who started a job"; the log names a closed one once.
    """

    def __init__(self, http: Http, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._http = http
        self._clock = clock
        self._lock = threading.Lock()
        self._paused_until: dict[str, float] = {}
        # The questions that were answered since they were last refused.
        self._answered: set[str] = set()
        self._named: set[str] = set()
        self._refused_since: dict[str, float] = {}
        self._silences: dict[str, _Silence] = {}
        self._last_in_vain: dict[str, float] = {}

    def is_refused(self, question: str) -> bool:
        """Whether Airbyte has not answered it for minutes, or refused to, whatever the job."""
        with self._lock:
            is_known = self._is_sure(question) or self._is_silent(question)
            return is_known and self._is_paused(question)

    def is_paused(self, question: str) -> bool:
        """Whether it is not asked now."""
        with self._lock:
            return self._is_paused(question)

    def ask(
        self,
        question: str,
        job_id: int,
        call: Call,
        reader: Callable[[object], Record | None],
        budget: TimeBudget,
    ) -> Record | None:
        """What the reader finds in the answer; None for every kind of failure. One request."""
        began = self._clock()
        if self.is_paused(question):
            return None
        try:
            record = self._http.read(call, question, reader, budget.at_most(_LONGEST_WAIT))
        except AirbyteError as failure:
            self._note(question, job_id, failure, self._clock() - began)
            return None
        with self._lock:
            self._answered.add(question)
            self._named.discard(question)
            self._refused_since.pop(question, None)
            self._silences.pop(question, None)
        return record

    def _note(self, question: str, job_id: int, failure: AirbyteError, seconds: float) -> None:
        _log.debug("Airbyte did not say %s: %s", question, failure)
        if isinstance(failure, OutOfTime) and seconds < _SLOW:
            # Who asked had no time: that says nothing of Airbyte.
            return
        self._forget_older_outage(question)
        if isinstance(failure, AirbyteRequestError) and stands_for_closed(failure):
            self._note_refused(question, failure)
        elif seconds >= _SLOW:
            self._pause(question, _SLOW_FOR)
        self._note_silent(question, job_id, failure)

    def _forget_older_outage(self, question: str) -> None:
        with self._lock:
            now = self._clock()
            if now - self._last_in_vain.get(question, now) > _ONE_OUTAGE:
                self._refused_since.pop(question, None)
                self._silences.pop(question, None)
            self._last_in_vain[question] = now

    def _note_refused(self, question: str, refusal: AirbyteError) -> None:
        with self._lock:
            # The first refusal after an answer may be about one job that is gone.
            is_closed = question not in self._answered
            self._answered.discard(question)
            if is_closed:
                self._refused_since.setdefault(question, self._clock())
            is_sure = self._is_sure(question)
        if is_closed:
            self._pause(question, _CLOSED_FOR if is_sure else _REFUSED_FOR)
            self._name(question, refusal)

    def _note_silent(self, question: str, job_id: int, failure: AirbyteError) -> None:
        with self._lock:
            silence = self._silences.setdefault(question, _Silence(job_id))
            if silence.since is None and silence.job_id != job_id:
                silence.since = self._clock()
            is_silent = self._is_silent(question)
        if is_silent:
            self._pause(question, _CLOSED_FOR)
            self._name(question, failure)

    def _name(self, question: str, failure: AirbyteError) -> None:
        with self._lock:
            is_news = question not in self._named
            self._named.add(question)
        if is_news:
            _log.info("Airbyte does not say %s; trying again later: %s", question, failure)

    def _is_paused(self, question: str) -> bool:
        now = self._clock()
        return now < self._paused_until.get(question, now)

    def _is_silent(self, question: str) -> bool:
        silence = self._silences.get(question)
        since = silence.since if silence else None
        return since is not None and self._clock() - since >= _SILENT_AFTER

    def _is_sure(self, question: str) -> bool:
        since = self._refused_since.get(question)
        return since is not None and self._clock() - since >= _SURE_AFTER

    def _pause(self, question: str, seconds: float) -> None:
        with self._lock:
            self._paused_until[question] = self._clock() + seconds
