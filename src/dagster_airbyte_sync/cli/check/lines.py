"""The lines of `check` on one Airbyte workspace. Pure: what was seen in, lines out."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import timedelta

from dagster_airbyte_sync.cli.check.causes import cause_of
from dagster_airbyte_sync.cli.check.endpoints import endpoint_lines, source_lines
from dagster_airbyte_sync.cli.check.seen import Contents, Level, Line, Seen
from dagster_airbyte_sync.cli.tables import counted, duration
from dagster_airbyte_sync.resources import Answer

# Airbyte's Date header has whole seconds, and an answer takes time.
_MOST_DIFFERENCE = timedelta(seconds=60)


def lines_of(seen: Seen) -> list[Line]:
    """What to say of a workspace; if one cause explains all trouble, it comes first."""
    cause = cause_of(seen)
    lines = [*_basics(seen), *endpoint_lines(seen), *source_lines(seen), *_rest(seen)]
    return lines if cause is None else [cause, *_beside(cause, lines)]


def _beside(cause: Line, lines: Iterable[Line]) -> Iterator[Line]:
    """The other lines, without what only follows from the cause."""
    for line in lines:
        if line.subject != cause.subject and line.level != "problem":
            yield replace(line, step=None, code=None)


def _basics(seen: Seen) -> Iterator[Line]:
    address = seen.settings.rest_api_base_url
    if seen.workspace.is_good:
        time = duration(seen.workspace.seconds)
        yield Line("ok", "reach", f"Airbyte answers at {address} ({time})")
        yield from _workspaces(seen)
    yield _server(seen)
    yield _authentication(seen)
    for host in seen.settings.hosts_in_the_clear:
        text = f"Credentials are sent to {host} unencrypted"
        yield Line("warning", "encryption", text, "Use https:// if others can listen.")


def _workspaces(seen: Seen) -> Iterator[Line]:
    if seen.settings.workspace_id is not None:
        yield Line("ok", "workspace", f"{seen.settings.workspace_id}{_named(seen)}")
        return
    known, wanted = seen.workspaces, seen.settings.workspace_ids
    names = ", ".join(name for each, name in known.items() if wanted is None or each in wanted)
    count = len(known) if wanted is None else len(known.keys() & {*wanted})
    yield Line("ok", "workspace", f"{counted(count, 'workspace')}: {names}")
    missing = [each for each in wanted or () if each not in known]
    if missing:
        text = f"Airbyte does not show these credentials {', '.join(missing)}"
        step = "Give their user a role there, or take it out of workspace_ids."
        yield Line("warning", "workspace", text, step)


def _named(seen: Seen) -> str:
    name = seen.workspace.content.get("name")
    return f", {name}" if isinstance(name, str) and name else ""


def _server(seen: Seen) -> Line:
    if seen.settings.is_cloud:
        return Line("ok", "server", "Airbyte Cloud")
    if seen.version is None:
        return _nameless(seen.instance)
    text = f"Airbyte {seen.version}, {seen.edition or 'of an edition that it does not name'}"
    if seen.version.startswith("0."):
        return Line("problem", "server", text, "Upgrade to Airbyte 1.0 or later.", "version")
    return Line("ok", "server", text)


def _nameless(instance: Answer | None) -> Line:
    text = "It does not report its version"
    if instance is None or instance.is_silence or instance.status in (401, 403):
        return Line("-", "server", text)
    step = "Check configuration_api_base_url: every Airbyte since 1.0 reports its version there."
    return Line("warning", "server", text, step)


def _authentication(seen: Seen) -> Line:
    """How requests prove who sends them, and whether this server wants to know."""
    settings, open_to_all = seen.settings, seen.open_to_all
    if settings.client_id:
        how = "A token, for client_id and client_secret"
    elif settings.username:
        how = "username and password, for a proxy in front of Airbyte"
    else:
        return _no_authentication(seen)
    if open_to_all is not None and open_to_all.is_good:
        step = "Nothing to do here, but anyone who reaches this server can do anything."
        return Line("warning", "authentication", f"{how}. The server requires no credentials", step)
    if open_to_all is not None and open_to_all.status in (401, 403):
        return Line("ok", "authentication", f"{how}. The server requires credentials")
    return Line("-", "authentication", f"{how}. Whether the server requires credentials is unknown")


def _no_authentication(seen: Seen) -> Line:
    wants = "requires none" if seen.workspace.is_good else "did not let us in"
    level: Level = "ok" if seen.workspace.is_good else "-"
    own = " (request_headers may have some)" if seen.settings.request_headers else ""
    return Line(level, "authentication", f"No credentials are set{own}. The server {wants}")


def _rest(seen: Seen) -> Iterator[Line]:
    yield _clock(seen.clock_difference)
    yield _links(seen)
    if isinstance(seen.contents, Contents):
        yield from _contents(seen, seen.contents)


def _clock(difference: timedelta | None) -> Line:
    if difference is None:
        return Line("-", "clock", "Airbyte did not say what time it is")
    size = abs(difference)
    if size < timedelta(seconds=2):
        return Line("ok", "clock", "Airbyte's and this machine's agree to a second")
    where = "ahead of" if difference > timedelta() else "behind"
    text = f"Airbyte's is {duration(size)} {where} this machine's"
    if size < _MOST_DIFFERENCE:
        return Line("ok", "clock", text)
    step = (
        "Set both clocks by NTP. The sensor goes by Airbyte's and loses nothing, but times of syncs"
        " and of events in Dagster do not match."
    )
    return Line("warning", "clock", text, step)


def _links(seen: Seen) -> Line:
    settings, own = seen.settings, seen.own_address
    if settings.ui_url:
        return Line("ok", "links", f"{seen.ui_url}, as ui_url says")
    if settings.is_cloud:
        return Line("ok", "links", seen.ui_url)
    if own and seen.ui_url == own.strip().rstrip("/"):
        return Line("ok", "links", f"{seen.ui_url}, as Airbyte reports")
    reported = f"reports {own}, which browsers cannot open" if own else "reports no address"
    text = f"{seen.ui_url}, which is beside the API: Airbyte {reported}"
    return Line("ok", "links", f"{text}. If people open it elsewhere, set ui_url")


def _contents(seen: Seen, contents: Contents) -> Iterator[Line]:
    paused = contents.connections - contents.active
    if contents.connections:
        yield Line(
            "ok",
            "contents",
            f"{counted(contents.connections, 'connection')} ({paused:,} paused) with"
            f" {counted(contents.streams, 'selected stream')}",
        )
    more = "more than " if contents.more_jobs else ""
    yield Line("ok", "last day", f"{more}{counted(contents.jobs, 'finished job')}")
    answer = seen.answer("configuration", "connections")
    is_open = answer is not None and answer.is_good
    size = seen.settings.max_items_per_page if is_open else seen.settings.public_page_size
    pages = -(-contents.jobs // size) or 1
    text = f"{size:,} rows are requested at once: {counted(pages, 'page')} for the last day's jobs"
    yield Line("ok", "pages", text)
