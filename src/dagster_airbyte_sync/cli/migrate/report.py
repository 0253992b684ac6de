"""How `migrate` shows what it has found."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict

import click

from dagster_airbyte_sync.cli.migrate.changes import FileChanges
from dagster_airbyte_sync.cli.tables import Cell, Column, counted, plain, show, table

_COLUMNS = (
    Column("line", "right", no_wrap=True),
    Column("", no_wrap=True),
    Column("what"),
    Column("instead"),
)
_STYLES = {"rename": "green", "by hand": "yellow"}


def as_json(files: Sequence[FileChanges], *, written: bool) -> Mapping[str, object]:
    """The report for programs."""
    return {
        "written": written,
        "renamed_files": sum(file.is_changed for file in files),
        "left_by_hand": sum(len(file.by_hand) for file in files),
        "unreadable_files": sum(file.problem is not None for file in files),
        "files": [
            {
                "path": file.path,
                "is_changed": file.is_changed,
                "problem": file.problem,
                "changes": [asdict(change) for change in file.changes],
            }
            for file in files
        ],
    }


def exit_code(files: Sequence[FileChanges]) -> int:
    """1 if something is left to do by hand, or a file cannot be read; else 0."""
    return 1 if any(file.is_left for file in files) else 0


def show_report(files: Sequence[FileChanges], *, written: bool, width: int) -> None:
    """Print what each file has to change, and what comes next; before that, diffs."""
    for file in files:
        show(file.path)
        if file.problem is not None:
            show(f"  It was left as it is: {file.problem}.")
        if file.changes:
            show(table(_COLUMNS, _rows(file), width=width))
        if not written and file.is_changed:
            # As it is, to be applied: not folded at the edge of a terminal.
            click.echo("\n".join(["", *map(_shown, file.diff())]))
        show("")
    show(_summary(files, written=written))


def _shown(line: str) -> str:
    return "\t".join(map(plain, line.split("\t")))


def _rows(file: FileChanges) -> Sequence[Sequence[str | Cell]]:
    return [
        (
            str(each.line),
            Cell(each.kind, _STYLES[each.kind]),
            Cell(each.what, below=each.why),
            each.instead,
        )
        for each in file.changes
    ]


def _summary(files: Sequence[FileChanges], *, written: bool) -> str:
    if not files:
        return "Nothing here uses dagster-airbyte."
    renamed = sum(file.is_changed for file in files)
    left = sum(len(file.by_hand) for file in files)
    unread = sum(file.problem is not None for file in files)
    parts = [
        f"{counted(renamed, 'file')} {'changed' if written else 'would be changed by --write'}",
        f"{counted(left, 'place')} left to change by hand",
        *([f"{counted(unread, 'file')} not read"] if unread else []),
    ]
    return f"{', '.join(parts)}."
