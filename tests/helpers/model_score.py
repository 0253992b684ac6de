"""What all histories of the model came to, for the one line that is printed in the end."""

from dataclasses import dataclass, fields


@dataclass
class Score:
    """Counts over all histories of a test. The last three must stay zero.

    `overtaken` are jobs reported after a newer one because that was reported, by its own run or
    early, before Airbyte showed the older. `orphans` are runs that were over for Dagster, or had
    lost their main process, while steps went on.
    """

    histories: int = 0
    steps: int = 0
    ticks: int = 0
    crashes: int = 0
    faults: int = 0
    runs: int = 0
    jobs: int = 0
    restores: int = 0
    clocks_set: int = 0
    orphans: int = 0
    reported: int = 0
    reported_by_runs: int = 0
    overtaken: int = 0
    lost: int = 0
    twice: int = 0
    out_of_order: int = 0

    def reset(self) -> None:
        for field in fields(self):
            setattr(self, field.name, 0)

    def line(self) -> str:
        counts = (
            f"{field.name.replace('_', ' ')} {getattr(self, field.name)}" for field in fields(self)
        )
        return ", ".join(counts)


SCORE = Score()
