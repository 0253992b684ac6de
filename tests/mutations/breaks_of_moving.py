"""Lines by which a project moves over from dagster-airbyte whole, and is told what is left."""

from helpers.breaks import Break

_NAMES = "tests/migration/test_names_of_dagster_airbyte.py"
_CALLS = "tests/migration/test_calls_of_dagster_airbyte.py"
_PYTHON = "tests/migration/test_migrate_python.py"
_FILES = "tests/migration/test_migrate_files.py"
_MIGRATE = "src/dagster_airbyte_sync/cli/migrate"
_LEGACY = "src/dagster_airbyte_sync/legacy"

OF_MOVING = [
    Break(
        "an import of a name that is gone says what takes its place",
        f"{_LEGACY}/former_imports.py:_FormerImports.find_spec",
        'fullname.startswith(f"{OURS}.") and (said := _said_of(fullname))',
        'fullname.startswith(OURS + "..") and (said := _said_of(fullname))',
        f"{_NAMES}::test_an_import_says_what_takes_the_place_of_a_name",
    ),
    Break(
        "who only asks for it is told no",
        f"{_LEGACY}/former_imports.py:no_such_name",
        'AttributeError(sentence(name) or f"module {OURS!r} has no attribute {name!r}", name=name)',
        'ImportError(sentence(name) or f"module {OURS!r} has no attribute {name!r}", name=name)',
        f"{_NAMES}::test_who_asks_whether_a_name_is_there_is_told_no",
    ),
    Break(
        "a connection described in code is not taken for one that is read",
        f"{_LEGACY}/former_names.py:former",
        'module == "" and name in _OF_CODE',
        'module == "." and name in _OF_CODE',
        f"{_PYTHON}::test_it_leaves_and_lists",
    ),
    Break(
        "a name that is gone keeps its import",
        f"{_MIGRATE}/python/import_statements.py:as_imports",
        "[ours, _with(node, kept)] if kept else [ours]",
        "[ours]",
        f"{_PYTHON}::test_it_moves",
    ),
    Break(
        "a name that is in a text keeps its name",
        f"{_MIGRATE}/python/look.py:Look._moved",
        'is_taken or any(re.search(rf"\\b{name}\\b", text) for text in self._texts)',
        "is_taken",
        f"{_PYTHON}::test_it_moves",
    ),
    Break(
        "a new name never meets one that the file has",
        f"{_MIGRATE}/python/look.py:Look._moved",
        "node.value == now and not origins & others",
        "False",
        f"{_PYTHON}::test_it_moves",
        is_slow=True,
    ),
    Break(
        "a module of which a name is gone stays imported",
        f"{_MIGRATE}/python/look.py:Look._decide_modules",
        "bare or any(each.fate.now is None for each in reached)",
        "bare",
        f"{_PYTHON}::test_it_leaves_and_lists",
    ),
    Break(
        "in YAML only types are renamed",
        f"{_MIGRATE}/yaml_files.py:_change",
        '"rename" if is_type else "by hand"',
        '"rename"',
        f"{_FILES}::test_other_texts_in_yaml_are_listed",
        is_slow=True,
    ),
    Break(
        "a file that needs nothing is not written",
        f"{_MIGRATE}/command.py:migrate",
        "if file.is_changed:",
        "if True:",
        f"{_FILES}::test_files_that_need_nothing_are_not_touched",
    ),
    Break(
        "links are not followed",
        f"{_MIGRATE}/project.py:_is_plain",
        "file.is_file() and not file.is_symlink()",
        "file.is_file()",
        f"{_FILES}::test_links_are_not_followed",
    ),
    Break(
        "a file that cannot be read is something left to do",
        f"{_MIGRATE}/changes.py:FileChanges.is_left",
        "self.problem is not None or bool(self.by_hand)",
        "bool(self.by_hand)",
        f"{_FILES}::test_a_file_that_cannot_be_read_is_left_and_said",
    ),
    Break(
        "a client's former list of jobs leaves none out between two pages",
        "resources/client/former_calls.py:FormerCalls.get_jobs_for_connection",
        "received += page.received",
        "received += page.received + 1",
        f"{_CALLS}::test_connections_and_jobs_are_read_to_their_end",
        is_slow=True,
    ),
]
