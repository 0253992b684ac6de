"""How users of the former names hear of their successors."""

import sys
import warnings


class LegacyWarning(DeprecationWarning):
    """What is said of names from before there were workspaces.

    Shown unless somebody decides otherwise: Python hides a DeprecationWarning of any module but
    the main one, and a code location is never that.
    """


if not sys.warnoptions:
    warnings.filterwarnings("default", category=LegacyWarning)
