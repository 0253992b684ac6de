"""How `check` shows its lines, and what they come to."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace

from rich.table import Table
from rich.text import Text

from dagster_airbyte_sync.cli.check.seen import Line
from dagster_airbyte_sync.cli.mistakes import without_secrets
from dagster_airbyte_sync.cli.tables import counted, plain, show

_STYLES = {"ok": "green", "warning": "yellow", "problem": "bold red", "-": "dim"}
_ALL_IS_WELL = "The sensor can report every sync of this workspace."
_TIME_IT = "To time your definitions and look at their sensors, add --definitions MODULE."


def exit_code(lines: Sequence[Line], *, strict: bool) -> int:
    """1 if there is a problem (with `strict` a warning is one), else 0."""
    bad = {"problem", "warning"} if strict else {"problem"}
    return 1 if any(line.level in bad for line in lines) else 0


def next_steps(lines: Sequence[Line], *, timed: bool = True) -> list[str]:
    """What to do, each once, problems first."""
    ordered = sorted(lines, key=lambda line: line.level != "problem")
    steps = list(dict.fromkeys(line.step for line in ordered if line.step))
    if exit_code(lines, strict=False) == 0:
        steps = [*steps, *([] if steps else [_ALL_IS_WELL]), *([] if timed else [_TIME_IT])]
    return steps


def as_json(lines: Sequence[Line]) -> Mapping[str, object]:
    """The report for programs."""
    return {
        "problems": sum(line.level == "problem" for line in lines),
        "warnings": sum(line.level == "warning" for line in lines),
        "lines": [asdict(_shown(line)) for line in lines],
        "next_steps": [without_secrets(step) for step in next_steps(lines)],
    }


def _shown(line: Line) -> Line:
    step = None if line.step is None else without_secrets(line.step)
    return replace(line, text=without_secrets(line.text), step=step)


def show_report(lines: Sequence[Line], *, timed: bool) -> None:
    """Print all lines, and what to do next."""
    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_column(no_wrap=True)
    grid.add_column(no_wrap=True)
    grid.add_column(overflow="fold")
    for line in lines:
        style, text = _STYLES[line.level], plain(without_secrets(line.text))
        grid.add_row(Text(line.level, style), Text(plain(line.subject)), Text(text))
    show(grid, "", _summary(lines))
    for step in next_steps(lines, timed=timed):
        show(_step(step))


def _step(step: str) -> Table:
    grid = Table.grid(padding=(0, 1, 0, 0))
    grid.add_row(Text("->"), Text(plain(without_secrets(step)), overflow="fold"))
    return grid


def _summary(lines: Sequence[Line]) -> str:
    problems = sum(line.level == "problem" for line in lines)
    warnings = sum(line.level == "warning" for line in lines)
    if not problems and not warnings:
        return "Nothing is wrong."
    return f"{counted(problems, 'problem')}, {counted(warnings, 'warning')}. Next:"
