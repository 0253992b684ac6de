"""What is wrong, as one cause: each wrong setting is distinguished from the others. Pure."""

from collections.abc import Callable, Sequence

from dagster_airbyte_sync.cli.check.seen import Line, Seen
from dagster_airbyte_sync.resources import (
    AirbyteError,
    AirbyteRequestError,
    AirbyteSettings,
    AirbyteSettingsError,
    Answer,
    has_path,
    other_scheme,
)
from dagster_airbyte_sync.resources.json_values import as_text, objects_at

_PUBLIC, _OWN = "/api/public/v1", "/api/v1"
_REST, _CONFIGURATION = "rest_api_base_url", "configuration_api_base_url"
# What comes from an address at which there is no such API.
_NO_API = (404, 405, 501)

# A code and what to do.
Cause = tuple[str, str]


def cause_of(seen: Seen) -> Line | None:
    """The problem that explains all others, if there is one."""
    for subject, find in _CAUSES:
        found = find(seen)
        if found is not None:
            code, step = found
            return Line("problem", subject, _text(seen, WHAT[code]), step, code)
    if isinstance(seen.contents, AirbyteError):
        step = "The sensor's ticks end with this error, too. Fix what it names, and check again."
        return Line("problem", "reading", _text(seen, WHAT["reading"]), step, "reading")
    return None


WHAT = {
    "settings": "The settings of the workspace cannot work.",
    "https_on_http_port": "The address begins with https://, and that port speaks plain HTTP.",
    "http_on_https_port": "The address begins with http://, and that port speaks HTTPS.",
    "certificate": "Airbyte's certificate is not trusted here.",
    "proxy": "A proxy between here and Airbyte does not let requests through.",
    "no_answer_in_time": "Nothing comes back from the address in time.",
    "unreachable": "No connection can be made to the address.",
    "same_addresses": "Both base URLs are the same, and Airbyte has two APIs.",
    "swapped_addresses": "The two base URLs are swapped.",
    "rest_is_configuration": "rest_api_base_url is the address of the Configuration API.",
    "rest_without_path": "rest_api_base_url has no path, and there is no API.",
    "rest_path": "There is no public API at rest_api_base_url.",
    "redirected": "rest_api_base_url redirects to another address.",
    "page_not_api": "A web page answers instead of the API.",
    "credentials_missing": "This Airbyte requires credentials, and none are set.",
    "credentials_refused": "Airbyte does not accept client_id and client_secret.",
    "credentials_not_wanted": "This Airbyte issues no tokens: it lets everybody in.",
    "token_not_accepted": "Airbyte issues a token but does not accept it.",
    "user_refused": "username and password are not accepted.",
    "workspace": "There is no such workspace for these credentials.",
    "broken": "Airbyte answers, with an error of its own.",
    "configuration_path": "There is no Configuration API at configuration_api_base_url.",
    "no_connections": "The workspace has no connections.",
    "reading": "Airbyte cannot be read.",
}


def settings_problem(rest: str, own: str, error: AirbyteError) -> Line:
    """The problem of settings that can never work, so that nothing was asked."""
    code, step = confused_addresses(rest, own) or ("settings", _CHANGE_IT)
    return Line("problem", "settings", f"{WHAT[code]} Dagster shows: {error}", step, code)


_CHANGE_IT = "Change that in the workspace, or in the variable from which it comes."


def _text(seen: Seen, what: str) -> str:
    """What it is, and how the package itself puts it, as that is what Dagster shows."""
    failed = next((each.error for each in _needed(seen) if each.error is not None), None)
    error = seen.contents if isinstance(seen.contents, AirbyteError) else failed
    return what if error is None else f"{what} Dagster shows: {error}"


def _needed(seen: Seen) -> list[Answer]:
    connections = seen.answer("configuration", "connections")
    return [seen.workspace, *([connections] if connections else [])]


# -- nothing answers -------------------------------------------------------------------------------


def _silence(seen: Seen) -> Cause | None:
    for setting, answer in _answers_by_setting(seen):
        if answer is not None and answer.is_silence:
            return _why_silent(seen, setting, answer)
    return None


def _answers_by_setting(seen: Seen) -> list[tuple[str, Answer | None]]:
    connections = seen.answer("configuration", "connections")
    return [(_REST, seen.workspace), (_CONFIGURATION, connections)]


def _why_silent(seen: Seen, setting: str, answer: Answer) -> Cause:
    address = _address(seen.settings, setting)
    if setting in seen.elsewhere.other_scheme:
        right = other_scheme(address)
        code = "https_on_http_port" if address.startswith("https") else "http_on_https_port"
        return code, f"Set {setting} to {right}"
    reason = answer.error.reason if isinstance(answer.error, AirbyteRequestError) else ""
    return next((cause for sign, cause in _SILENCES.items() if sign in reason), _UNREACHABLE)


_SILENCES: dict[str, Cause] = {
    "SSLError": (
        "certificate",
        "Set verify to the file of the CA that signed Airbyte's certificate (verify=False asks for"
        " no certificate: for tests only).",
    ),
    "ProxyError": ("proxy", "Check proxies, and the variables HTTP_PROXY, HTTPS_PROXY, NO_PROXY."),
    "no answer within": (
        "no_answer_in_time",
        "Check that a firewall lets this machine through to Airbyte; if Airbyte is only slow, raise"
        " request_timeout.",
    ),
}
_UNREACHABLE: Cause = (
    "unreachable",
    "Check that Airbyte runs, and that both base URLs have its host and port as this machine"
    " reaches them (inside a container, localhost is the container).",
)


# -- another thing answers -------------------------------------------------------------------------


def _wrong_address(seen: Seen) -> Cause | None:
    settings = seen.settings
    is_wrong = _has_no_public_api(seen)
    if settings.is_cloud or not (is_wrong or any(map(_is_no_api, _needed(seen)[1:]))):
        return None
    addresses = settings.rest_api_base_url, settings.configuration_api_base_url
    return confused_addresses(*addresses) or (_wrong_rest(seen) if is_wrong else None)


def confused_addresses(rest: str, own: str) -> Cause | None:
    """Whether the two addresses are one, or exchanged, by how Airbyte's own end."""
    if rest == own:
        before = rest.removesuffix(_PUBLIC).removesuffix(_OWN)
        return (
            "same_addresses",
            f"Set {_REST}={before}{_PUBLIC} and {_CONFIGURATION}={before}{_OWN}",
        )
    if own.endswith(_PUBLIC) and rest.endswith(_OWN):
        return "swapped_addresses", f"Swap the two: {_REST}={own} and {_CONFIGURATION}={rest}"
    return None


def _wrong_rest(seen: Seen) -> Cause:
    rest = seen.settings.rest_api_base_url
    if seen.elsewhere.configuration_api_at_rest:
        right = rest.removesuffix(_OWN) + _PUBLIC
        return "rest_is_configuration", f"Set {_REST} to {right}"
    if not has_path(rest):
        return "rest_without_path", f"Set {_REST} to {rest}{_PUBLIC}"
    if seen.workspace.status is not None and 300 <= seen.workspace.status < 400:
        return "redirected", f"Set {_REST} to the address that it redirects to."
    if seen.workspace.status is None:
        return "page_not_api", (
            "If it is a login in front of Airbyte, let this machine past it (request_headers, or"
            f" username and password); else correct {_REST}."
        )
    return "rest_path", f"Correct {_REST}: it usually ends with {_PUBLIC}"


def _is_no_api(answer: Answer) -> bool:
    """Whether something else than the API is at the address, if it is no id that is unknown."""
    if not isinstance(answer.error, AirbyteRequestError) or answer.is_silence:
        return False
    status = answer.status
    return status is None or 300 <= status < 400 or status in _NO_API


def _has_no_public_api(seen: Seen) -> bool:
    """Whether that is so of the public API. If only the workspace is not there, its id is wrong."""
    if not _is_no_api(seen.workspace):
        return False
    listed, open_to_all = seen.answer("public", "workspaces"), seen.open_to_all
    is_there = (listed and listed.is_good) or (open_to_all and open_to_all.is_good)
    return seen.workspace.status not in _NO_API or not is_there


# -- Airbyte answers, but not us -------------------------------------------------------------------


def _credentials(seen: Seen) -> Cause | None:
    answer, settings = seen.workspace, seen.settings
    if answer.is_without_token:
        return _no_token(seen)
    if answer.status != 401:
        return None
    if settings.client_id:
        return "token_not_accepted", (
            "Check that both base URLs lead to the same Airbyte, and that no proxy removes the"
            " Authorization header."
        )
    if settings.username:
        return "user_refused", (
            "Check username and password, which are for a proxy; Airbyte itself requires client_id"
            " and client_secret (Settings > Applications)."
        )
    return "credentials_missing", (
        "Create an application in Airbyte under Settings > Applications, and set client_id and"
        " client_secret."
    )


def _no_token(seen: Seen) -> Cause | None:
    if seen.workspace.status not in _NO_API:
        return "credentials_refused", (
            "Check client_id and client_secret: Airbyte shows them under Settings > Applications."
        )
    if seen.open_to_all is not None and seen.open_to_all.is_good:
        return "credentials_not_wanted", "Remove client_id and client_secret."
    return _wrong_rest(seen)


def _unknown_workspace(seen: Seen) -> Cause | None:
    answer = seen.workspace
    if seen.settings.workspace_id is None:
        return _no_workspace(seen)
    if answer.is_without_token or answer.status not in (403, 404):
        return None
    listed = seen.answer("public", "workspaces")
    visible = [] if listed is None else objects_at(listed.content, "data")
    names = "; ".join(f"{row.get('name')} ({as_text(row.get('workspaceId'))})" for row in visible)
    hint = f" These credentials can see: {names}." if names else ""
    return "workspace", f"Set workspace_id to a workspace that these credentials can see.{hint}"


def _no_workspace(seen: Seen) -> Cause | None:
    wanted = seen.settings.workspace_ids
    known = seen.workspaces
    if not seen.workspace.is_good or (known and (wanted is None or known.keys() & {*wanted})):
        return None
    names = "; ".join(f"{name} ({each})" for each, name in known.items())
    hint = f" These credentials can see: {names}." if names else ""
    return "workspace", f"Give the user of these credentials a role in a workspace.{hint}"


def _configuration_path(seen: Seen) -> Cause | None:
    right = seen.contents.right if isinstance(seen.contents, AirbyteSettingsError) else None
    answer = seen.answer("configuration", "connections")
    if right is None or not seen.workspace.is_good or answer is None or not answer.is_closed:
        return None
    return "configuration_path", f"Set {_CONFIGURATION} to {right}"


def _broken(seen: Seen) -> Cause | None:
    status = seen.workspace.status
    if status is None or status < 500 or status in _NO_API:
        return None
    return "broken", "Airbyte, or what is in front of it, fails: look at its own logs."


def _empty(seen: Seen) -> Cause | None:
    listed = (seen.answer(api, "connections") for api in ("configuration", "public"))
    good = next((each for each in listed if each is not None and each.is_good), None)
    if good is None or good.rows:
        return None
    return "no_connections", (
        "Create a connection in Airbyte, or check workspace_id: there is nothing to report."
    )


def _address(settings: AirbyteSettings, setting: str) -> str:
    return settings.rest_api_base_url if setting == _REST else settings.configuration_api_base_url


# The first that is found explains what comes after it.
_CAUSES: Sequence[tuple[str, Callable[[Seen], Cause | None]]] = (
    ("reach", _silence),
    ("addresses", _wrong_address),
    ("authentication", _credentials),
    ("workspace", _unknown_workspace),
    ("reach", _broken),
    ("addresses", _configuration_path),
    ("contents", _empty),
)
