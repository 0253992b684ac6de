"""The category of all warnings about the former names."""


class LegacyWarning(FutureWarning):
    """A name from before Airbyte's workspaces was used.

    A FutureWarning, because Python hides a DeprecationWarning of every module but the main one,
    and a code location is never that.
    """
