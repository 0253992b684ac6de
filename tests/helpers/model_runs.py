"""Dagster runs that go on only when a test says so: whole ones, and those of which only the main
process is gone, or which are marked as over while their steps live on."""

from collections.abc import Iterable

import dagster as dg

from helpers.dagster_private import asset_records_not_written, store_run_event
from helpers.model_steps import EventType, Killed, SteppedStep, StepWork, Terminated


class SteppedRun:
    """A run of some connections' assets, a step for each, in parallel.

    `is_over` is what Dagster holds it for; `is_dead` if all its processes are gone, and
    `has_lost_parent` if only the main one is: nobody then says how the run ended.
    """

    def __init__(
        self,
        instance: dg.DagsterInstance,
        job: dg.JobDefinition,
        assets: Iterable[dg.AssetsDefinition],
        work: StepWork,
    ) -> None:
        definitions = list(assets)
        keys = {key for each in definitions for key in each.keys}
        self._instance = instance
        self._clock = work.options.clock
        self.run = instance.create_run_for_job(
            job.get_subset(asset_selection=keys), status=dg.DagsterRunStatus.NOT_STARTED
        )
        self.is_started = self.is_over = self.is_dead = self.has_lost_parent = False
        # While an event is stored that nobody notes any more.
        self.is_dying = False
        self.last_turn = self._clock()
        self.steps = [SteppedStep(instance, self.run, each, work) for each in definitions]

    @property
    def is_live(self) -> bool:
        """Whether anything of it may still do something."""
        has_parent = not (self.is_over or self.has_lost_parent)
        return not self.is_dead and (has_parent or bool(self._going))

    @property
    def is_lost(self) -> bool:
        """Whether it is dead without Dagster knowing."""
        return (self.is_dead or self.has_lost_parent) and not self.is_over

    @property
    def _going(self) -> list[SteppedStep]:
        return [step for step in self.steps if not step.has_ended]

    def turn(self, place: int = 0) -> None:
        """Go on: start, then one of its steps that have not ended, then end."""
        going = self._going
        if not self.is_live:
            return
        self.last_turn = self._clock()
        if not self.is_started:
            self.is_started = True
            store_run_event(self._instance, self.run, EventType.RUN_START)
        elif going:
            going[place % len(going)].turn()
        else:
            failed = any(step.has_failed for step in self.steps)
            self._end(EventType.RUN_FAILURE if failed else EventType.RUN_SUCCESS)

    def die(self, *, storing: bool = False) -> None:
        """The processes are gone; Dagster does not know it yet.

        With `storing` a step is stopped after it stored an event and before that is noted as the
        last one of its table, if storing an event is what it does next.
        """
        if storing and self.is_started and self._going and not self.is_dead:
            self.is_dying = True
            with asset_records_not_written(self._instance):
                self._going[0].turn()
        self.is_dead, self.is_dying = True, False
        self._throw(Killed)

    def lose_parent(self) -> None:
        """The main process is gone, and so nobody begins the steps that had not begun."""
        self.has_lost_parent = True
        for step in self.steps:
            if not step.has_begun:
                step.turn(Killed)

    def is_found_dead(self) -> None:
        """Dagster's run monitoring has seen it."""
        if not self.is_over:
            self.mark_as_over("failed")

    def mark_as_over(self, how: str) -> None:
        """Somebody marks it as "failed" or "canceled"; its processes are not touched."""
        self.is_over = True
        if not self.is_started:
            # Dagster starts no run that is over.
            self.die()
        if how == "failed":
            self._instance.report_run_failed(self.run)
        else:
            self._instance.report_run_canceled(self.run)

    def terminate(self) -> None:
        """Somebody terminates the run in Dagster's UI."""
        self._instance.report_run_canceling(self.run)
        self._throw(Terminated if self.is_started else Killed)
        self._end(EventType.RUN_CANCELED)

    def _throw(self, what: type[BaseException]) -> None:
        for step in self.steps:
            step.turn(what)

    def _end(self, kind: EventType) -> None:
        self.is_over = True
        store_run_event(self._instance, self.run, kind)
