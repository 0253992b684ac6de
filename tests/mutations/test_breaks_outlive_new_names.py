"""A break fits as long as its line has the same shape, and says so when it has another."""

import pytest

from helpers.breaks import Break

SOURCE = '''\
"""A file of the product."""

LIMIT = 10


class Queue:
    size: int = field(default=0)

    def take(self, job, known):
        é = "é", len(job.tables) > LIMIT  # Columns are counted in bytes.
        if (
            job.is_late  # "if late:"
            and not known.lists(job)
        ):
            return None
        elif job.is_done:
            known.add(job.id)
        for table in job.tables[:LIMIT]:
            try:
                known.store(table, job, limit=LIMIT)
            except (ValueError, KeyError) as error:
                raise Full(job) from error
        return é

    def put(self, job, known):
        known.add(job.id)
        return min(job.start or known.start, LIMIT) + 1


def as_late(job):
    def is_late(job):
        return job.is_late and LIMIT

    return is_late(job)
'''


def a_break(line: str, broken: str, scope: str) -> Break:
    return Break("1: a job waits", f"sensors/queue.py:{scope}", line, broken, "tests/sensors")


@pytest.mark.parametrize(
    ("scope", "line", "broken", "before", "after"),
    [
        ("", "LIMIT = 10", "LIMIT = 99", "LIMIT = 10\n", "LIMIT = 99\n"),
        ("Queue", "size: int = field(default=0)", "size: int = 0", "field(default=0)", "0"),
        ("Queue.take", "len(job.tables) > LIMIT", "True", "len(job.tables) > LIMIT", "(True)"),
        (
            "Queue.take",
            "if job.is_late and not known.lists(job):",
            "if job.is_late:",
            'job.is_late  # "if late:"\n            and not known.lists(job)\n',
            "(job.is_late)\n",
        ),
        # Others have other names.
        ("Queue.take", "job.is_done", "False", "elif job.is_done:", "elif (False):"),
        ("Queue.take", "if job.is_done:", "if True:", "elif job.is_done:", "elif (True):"),
        (
            "Queue.take",
            "for table in job.tables[:LIMIT]:",
            "for table in job.tables:",
            "for table in job.tables[:LIMIT]:",
            "for (table) in (job.tables):",
        ),
        (
            "Queue.take",
            "except (ValueError, KeyError) as error:",
            "except ValueError as error:",
            "except (ValueError, KeyError) as error:",
            "except (ValueError) as error:",
        ),
        (
            "Queue.put",
            "job.start or known.start",
            "job.start if job else known.start",
            "job.start or known.start",
            "(job.start if job else known.start)",
        ),
        ("Queue.put", "known.add(job.id)", "pass", "known.add(job.id)\n        return", None),
        ("Queue.put", "known.add(sync.id)", "pass", "known.add(job.id)\n        return", None),
        (
            "Queue.take",
            "except (ValueError, KeyError) as failure:",
            "except KeyError as failure:",
            "except (ValueError, KeyError) as error:",
            "except (KeyError) as error:",
        ),
        ("as_late.is_late", "return job.is_late and LIMIT", "return", " job.is_late and LIMIT", ""),
    ],
)
def test_a_break_changes_its_line_alone(
    scope: str, line: str, broken: str, before: str, after: str | None
) -> None:
    if after is None:
        after = before.replace("known.add(job.id)", broken)
    assert SOURCE.count(before) == 1
    assert a_break(line, broken, scope).apply(SOURCE) == SOURCE.replace(before, after)


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("table", "each", "known.store(each, job, limit=job)"),
        ("known.store", "known.keep", "known.keep(table, job, limit=job)"),
        ("limit=", "most=", "known.store(table, job, most=job)"),
        ("LIMIT", "MOST", "known.store(table, job, limit=job)"),
        ("job", "sync", "known.store(table, sync, limit=sync)"),
    ],
    ids=["variable", "method", "argument", "constant", "variable_that_is_there_twice"],
)
def test_a_new_name_does_no_harm_and_is_in_what_is_broken_too(
    old: str, new: str, expected: str
) -> None:
    line, broken = "known.store(table, job, limit=LIMIT)", "known.store(table, job, limit=job)"
    source = SOURCE.replace(old, new)
    after = a_break(line, broken, "Queue.take").apply(source)
    assert expected in after
    assert after != source


def test_of_lines_with_other_names_the_one_with_the_fewest_is_meant() -> None:
    source = "store(job, table)\nkeep(job, sync)\n"
    assert a_break("keep(job, each)", "pass", "").apply(source) == "store(job, table)\npass\n"


@pytest.mark.parametrize(
    ("scope", "line", "found"),
    [
        ("Queue.put", "known.add(job)", 0),
        ("Queue.put", "known.add(job.job)", 0),
        ("Queue.put", "min(job.start and known.start, LIMIT)", 0),
        ("Queue.put", "return min(job.start or known.start, LIMIT) + 2", 0),
        ("Queue.put", "max(job.start or known.start, LIMIT)", 0),
        ("Queue.put", "tables.remove(table.key)", 0),
        ("Queue.put", "known", 2),
        ("Queue.put", "sync.created_at", 0),
        ("Queue.put", "known.end", 2),
        ("Queue.give", "known.add(job.id)", 0),
        ("as_late", "job.is_late and LIMIT", 0),
    ],
    ids=[
        "less of it",
        "two names for one",
        "another operator",
        "another number",
        "another built-in function",
        "no name as it was",
        "the same line twice",
        "no name of two as it was",
        "with another name in several places",
        "in a function that is gone",
        "in a function within",
    ],
)
def test_a_new_structure_or_a_choice_fails(scope: str, line: str, found: int) -> None:
    with pytest.raises(AssertionError) as failure:
        a_break(line, "pass", scope).apply(SOURCE)
    assert f"'1: a job waits' is stale: in sensors/queue.py:{scope}" in str(failure.value)
    assert f"the line {line!r} is there {found} times" in str(failure.value)


def test_what_is_broken_with_a_name_that_is_gone_fails() -> None:
    with pytest.raises(AssertionError, match=r"by names its file has not: \['end_of', 'heard'\]"):
        a_break("known.add(job.id)", "known.add(job.end_of(heard))", "Queue.put").apply(SOURCE)


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("known.add(job.id)", "17: known.add(job.id) (in Queue.take)"),
        ("for table in job.tables:", "18: for table in job.tables[:LIMIT]:"),
    ],
    ids=["in another function", "with another structure"],
)
def test_a_failure_shows_where_the_line_may_be(line: str, shown: str) -> None:
    with pytest.raises(AssertionError) as failure:
        a_break(line, "pass", "Queue.give").apply(SOURCE)
    assert f"\n  {shown}" in str(failure.value)
