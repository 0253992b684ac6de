"""Decides, looks up what that depends on, and decides again."""

from collections.abc import Sequence
from dataclasses import replace

import dagster as dg

from dagster_airbyte_sync.assets.events.event_log_facts import EventLogFacts
from dagster_airbyte_sync.resources import Job, TimeBudget
from dagster_airbyte_sync.sensors.decide import decide
from dagster_airbyte_sync.sensors.decision import Decision, TickInputs
from dagster_airbyte_sync.sensors.details.asked_of_jobs import AskedOfJobs


def decided(
    instance: dg.DagsterInstance,
    new: Sequence[Job],
    inputs: TickInputs,
    asked: AskedOfJobs,
    budget: TimeBudget,
) -> tuple[Decision, TickInputs]:
    """The decision on new jobs, and with what it was made: now all is certain, or time is up."""
    while not (decision := decide(new, inputs)).is_certain:
        if budget.is_spent:
            inputs = replace(inputs, is_final=True)
            return decide(new, inputs), inputs
        if decision.outcomes_to_read:
            inputs = replace(inputs, outcomes=asked.read_outcomes(decision.outcomes_to_read))
        followed = {job.connection_id for _, job in decision.claims_to_read}
        tables = (table for each in followed for table in inputs.tables[each])
        facts = inputs.facts.looked_up(
            instance, decision.claims_to_read, tables, decision.questions, budget
        )
        inputs = replace(inputs, facts=facts)
    return decision, inputs


def still_true(facts: EventLogFacts, decision: Decision) -> EventLogFacts:
    """What was looked up, but not who follows a job that waits: that may change."""
    waiting = {job.id for job in decision.waiting}
    followers = {key: each for key, each in facts.followers.items() if key not in waiting}
    return replace(facts, followers=followers)
