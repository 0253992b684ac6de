"""Names of Airbyte, in which everything is allowed, as names that Dagster takes."""

import re
import unicodedata
from hashlib import sha256


def clean_name(name: str) -> str:
    """The name with everything Dagster does not allow in names made an underscore."""
    return clean_name_with_case(name).lower()


def clean_name_with_case(name: str) -> str:
    """The same, but capitals stay."""
    return re.sub(r"[^A-Za-z0-9_]+", "_", name)


def loses_letters(name: str) -> bool:
    """Whether different names may be one as a clean name: all of it is lost, or letters of another
    script. Latin letters with accents are lost, too, but "m_ller" still tells them apart."""
    return not clean_name(name).strip("_") or any(map(_is_of_another_script, name))


def group_of_name(name: str, nameless: str) -> str:
    """The clean name; if it `loses_letters`, with a hash of the name, so that different names stay
    different. `nameless` stands for a name of which nothing is left."""
    clean = clean_name(name)
    if not loses_letters(name):
        return clean
    # JSON may have halves of characters, which UTF-8 does not take.
    known = sha256(name.lower().encode(errors="backslashreplace")).hexdigest()[:8]
    return f"{clean.strip('_') or nameless}_{known}"


def _is_of_another_script(letter: str) -> bool:
    return letter.isalnum() and not (
        letter.isascii() or unicodedata.name(letter, "").startswith("LATIN")
    )
