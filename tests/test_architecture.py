"""Holds the shape of the code: who may import whom, what stays unloaded, how large a file may grow."""

import ast
import importlib.metadata
import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("stream", "models")

# What serving takes from the offline half. The rest of `models` trains; commands call it, and load it when they run.
SERVING = {
    "models.labels",
    "models.bundle",
    "models.runtime",
    "models.heads",
    "models.manifest",
    "models.churn.model",
    "models.churn.sums",
    "models.churn.vectors",
}
TRAINING_FOR_COMMANDS = {
    "models.churn.compare",
    "models.churn.dataset",
    "models.churn.profile_rows",
    "models.churn.report",
    "models.churn.row_files",
    "models.train_churn",
    "models.train",
    "models.training.report",
    "models.encoder.base_model",
    "models.rows.dataset",
    "models.encoder.files",
    "models.evaluate",
    "models.evaluation.answers",
    "models.evaluation.compare",
    "models.evaluation.comparison",
    "models.evaluation.comparison_page",
    "models.evaluation.evaluation_page",
    "models.evaluation.figures",
    "models.evaluation.renamed",
    "models.evaluation.resampling",
    "models.evaluation.run",
    "models.evaluation.seen",
    "models.rows.label_changes",
    "models.tracking.tracker",
}
COMMANDS = "stream.cli"

# One outside library, one room: who imports it. A new name here is a decision, not an accident.
ROOMS = {
    "aiokafka": {
        "stream.kafka.admin",
        "stream.kafka.attempts",
        "stream.kafka.clients",
        "stream.kafka.group",
        "stream.kafka.kip447",
        "stream.kafka.kip447_requests",
        "stream.kafka.lanes",
        "stream.kafka.letters",
        "stream.kafka.member",
        "stream.kafka.transactions",
        "stream.kafka.whole_topic",
        "stream.calls.bad_profiles",
        "stream.calls.restore",
        "stream.calls.desk",  # the name of a partition
        "stream.faust_reader",
        "stream.verify.reading",  # reads the user's cluster for the proof
        "stream.account",  # the name of a partition
        "stream.outputs",  # its lz4: whether a record fits when it is packed
        "stream.window",  # the shape of a record
        "stream.cli.traffic",  # errors of its producer
        "stream.demo.run",  # type of its producer
        "stream.deployments.publishing",
    },
    "faust": {"stream.app", "stream.faust_reader"},
    "mode": {
        "stream.faust_reader",
        "stream.faust_guard",
        "stream.worker",
        "stream.cli.serve",  # type of the service it puts beside the walk
    },
    "onnxruntime": {
        "models.churn.model",
        "models.encoder.session",
        "models.encoder.export",  # fuses the graphs of optimum
    },
    "matplotlib": {"models.evaluation.plots"},
    "jinja2": {"models.evaluation.page"},
    "mlflow": {"models.tracking.mlflow_tracker"},
    "optuna": {"models.churn.search", "models.tuning.search"},
    "structlog": {"stream.logs"},
    "prometheus_client": {"stream.metrics", "stream.health", "stream.live_counts"},
    "aiohttp": {"stream.health"},
}
ENVIRONMENT = {
    "stream.settings",
    "stream.broker.jars",  # XDG_CACHE_HOME: the place of caches, no setting of ours
    "stream.cli.show",  # tells where a value came from
    "stream.demo.worker_process",  # hands its own environment to the worker it starts
    "models.encoder.tokens",  # sets what the tokenizer library takes in no other way
    "models.encoder.export",  # the same of torch and optimum
    "models.tracking.mlflow_tracker",  # the same of MLflow
    "models.tuning.device",  # the same of OpenMP, before torch is loaded
    "models.churn.candidates",  # the same, before scikit-learn is loaded
    "stream.notify",  # hands its own environment on to the command
}
UNLOADED = (
    "torch",
    "transformers",
    "pandas",
    "mlflow",
    "sklearn",
    "skl2onnx",
    "scipy",
    "onnx",
    "datasets",
    "optimum",
    "optuna",
    "matplotlib",
    "jinja2",
)

MAX_LINES = 250
LONGER_FILES: dict[str, tuple[int, str]] = {
    "stream/settings.py": (305, "one class, a sentence for each setting"),
    "stream/records.py": (295, "the record of every topic, as in the contract"),
    "stream/pipeline.py": (280, "the walk and the table of its states belong on one page"),
}
MAX_FUNCTION_LINES = 40
LONGER_FUNCTIONS: dict[str, tuple[int, str]] = {
    "stream.metrics.Metrics.__init__": (90, "a table: every metric of the worker"),
}
MANY_PARAMETERS = {
    "stream.settings.Settings.settings_customise_sources": "pydantic's signature",
    "stream.cli.training.train": "a command's options are its parameters",
    "stream.cli.evaluating.evaluate": "a command's options are its parameters",
    "stream.cli.traffic.simulate": "a command's options are its parameters",
    "stream.cli.training_churn.train_churn": "a command's options are its parameters",
}
# Where an error of any kind is caught and not raised again.
BORDERS = {
    "stream.worker": "the pipeline's border: whatever it is ends the process, loudly",
    "stream.faust_guard": "the views' border: whatever it is ends the Faust app and nothing else",
}
# Where such an error is not even looked at.
SUPPRESSORS = {
    "stream.faust_reader": "Faust's thread: mode has told the app of its crash before it raises"
}
# Where a library that raises bare `Exception` gets a name for it; what it raised is chained.
NAMERS = {
    "models.churn.model": "ONNX Runtime",
    "models.encoder.session": "ONNX Runtime",
    "models.encoder.tokens": "tokenizers",
    "models.encoder.domain_tokens": "tokenizers",
    "models.encoder.export": "optimum, torch",
    "models.tracking.mlflow_tracker": "MLflow, SQLAlchemy, requests",
    "stream.cli.wiring": "whatever breaks the loading of a bundle",
}


@dataclass(frozen=True)
class Import:
    """One imported module name, and whether it is imported when the importing module is."""

    importer: str
    name: str
    is_at_start: bool
    is_for_types_only: bool


@cache
def sources() -> dict[str, Path]:
    """Module name -> file."""
    found = {}
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            parts = path.relative_to(ROOT).with_suffix("").parts
            found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


@cache
def tree_of(module: str) -> ast.Module:
    return ast.parse(sources()[module].read_text("utf-8"))


def _is_type_checking(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test)


def _imports(module: str, node: ast.AST, *, at_start: bool, types_only: bool) -> Iterator[Import]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Import):
            names = [alias.name for alias in child.names]
        elif isinstance(child, ast.ImportFrom):
            assert child.level == 0, f"{module} imports relatively; write the whole name"
            base = str(child.module)
            names = [base, *(f"{base}.{alias.name}" for alias in child.names)]
        else:
            names = []
        for name in names:
            yield Import(module, name, at_start, types_only)
        inner = isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        yield from _imports(
            module,
            child,
            at_start=at_start and not inner,
            types_only=types_only or _is_type_checking(child),
        )


@cache
def imports() -> tuple[Import, ...]:
    return tuple(
        found
        for module in sources()
        for found in _imports(module, tree_of(module), at_start=True, types_only=False)
    )


def importers_of(library: str) -> set[str]:
    return {found.importer for found in imports() if found.name.split(".")[0] == library}


def test_there_is_something_to_look_at() -> None:
    assert {"stream.pipeline", "stream.kafka.group", "models.runtime"} <= sources().keys()
    assert len(imports()) > 200


# -- direction -----------------------------------------------------------------------------------


def test_models_never_import_stream() -> None:
    wrong = {
        f"{found.importer} -> {found.name}"
        for found in imports()
        if found.importer.startswith("models") and found.name.split(".")[0] == "stream"
    }
    assert not wrong


def test_stream_takes_from_models_what_serving_needs_and_only_commands_train() -> None:
    loaded_at_start = {found.name for found in imports() if found.is_at_start}
    wrong = set()
    for found in imports():
        is_ours = found.importer.startswith("stream") and found.name.startswith("models.")
        if not is_ours or found.name not in sources() or found.name in SERVING:
            continue
        when_it_runs = not found.is_at_start or found.importer not in loaded_at_start
        is_command = found.importer.startswith(COMMANDS)
        if not (is_command and found.name in TRAINING_FOR_COMMANDS):
            wrong.add(f"{found.importer} -> {found.name}")
        elif not (when_it_runs or found.is_for_types_only):
            wrong.add(f"{found.importer} -> {found.name}, when it is loaded")
    assert not wrong


def test_nothing_but_the_command_line_knows_the_command_line() -> None:
    wrong = {
        f"{found.importer} -> {found.name}"
        for found in imports()
        if f"{found.name}.".startswith(f"{COMMANDS}.")
        and not f"{found.importer}.".startswith(f"{COMMANDS}.")
        and found.importer != "stream.__main__"
    }
    assert not wrong


def test_no_two_modules_need_each_other() -> None:
    needs: dict[str, set[str]] = {module: set() for module in sources()}
    for found in imports():
        is_own_front_door = found.importer.startswith(f"{found.name}.")  # loaded before, by Python
        is_needed = found.is_at_start and not found.is_for_types_only and found.name in needs
        if is_needed and found.name != found.importer and not is_own_front_door:
            needs[found.importer].add(found.name)
    done: set[str] = set()

    def visit(module: str, way: tuple[str, ...]) -> None:
        assert module not in way, " -> ".join([*way[way.index(module) :], module])
        if module not in done:
            for needed in sorted(needs[module]):
                visit(needed, (*way, module))
            done.add(module)

    for module in needs:
        visit(module, ())


# -- libraries -----------------------------------------------------------------------------------


@pytest.mark.parametrize("library", ROOMS)
def test_a_library_is_known_in_its_rooms_only(library: str) -> None:
    assert importers_of(library) == ROOMS[library]


def test_the_environment_is_touched_in_its_rooms_only() -> None:
    def reads(module: str) -> bool:
        return any(
            (isinstance(node, ast.Attribute) and node.attr in ("environ", "getenv"))
            or (isinstance(node, ast.alias) and node.name in ("environ", "getenv"))
            for node in ast.walk(tree_of(module))
        )

    readers = {module for module in sources() if reads(module)}
    assert readers == ENVIRONMENT


def test_stream_knows_no_library_of_training() -> None:
    wrong = {
        f"{found.importer} -> {found.name}"
        for found in imports()
        if found.importer.startswith("stream") and found.name.split(".")[0] in UNLOADED
    }
    assert not wrong


@pytest.mark.parametrize("library", UNLOADED)
def test_libraries_of_training_are_never_imported_at_the_start_of_what_serves(library: str) -> None:
    wrong = {
        found.importer
        for found in imports()
        if found.importer in SERVING and found.name.split(".")[0] == library and found.is_at_start
    }
    assert not wrong


@pytest.mark.parametrize(
    "modules",
    ["stream", "stream.worker, stream.pipeline", "stream.cli", "models.bundle, models.runtime"],
)
def test_a_fresh_process_that_serves_loads_no_library_of_training(modules: str) -> None:
    program = f"import json, sys, {modules}; print(json.dumps(sorted(sys.modules)))"
    ended = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stderr
    loaded = {name.split(".")[0] for name in json.loads(ended.stdout)}
    assert not loaded & set(UNLOADED)
    assert "stream" in loaded or "models" in loaded


def test_aiokafka_is_pinned_to_the_version_that_the_extension_was_written_against() -> None:
    needed = importlib.metadata.requires("switchboard-classifier") or []
    [pin] = [line for line in needed if line.startswith("aiokafka")]
    [supported] = [
        ast.literal_eval(node.value)
        for node in tree_of("stream.kafka.kip447").body
        if isinstance(node, ast.Assign) and "SUPPORTED_AIOKAFKA" in ast.dump(node.targets[0])
    ]
    assert pin.split(";")[0].endswith(f"=={supported}")
    assert importlib.metadata.version("aiokafka") == supported


# -- names ---------------------------------------------------------------------------------------


def test_no_module_is_named_like_one_of_the_standard_library() -> None:
    wrong = {
        module
        for module in sources()
        if module.split(".")[-1] in sys.stdlib_module_names and not module.endswith("__main__")
    }
    assert not wrong


def test_no_other_distribution_brings_our_import_names() -> None:
    bringers = importlib.metadata.packages_distributions()
    for package in PACKAGES:
        assert set(bringers.get(package, [])) <= {"switchboard-classifier"}, package


def test_our_packages_are_the_ones_that_are_imported() -> None:
    program = "import json, stream, models; print(json.dumps([stream.__file__, models.__file__]))"
    ended = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT / "tests",
        capture_output=True,
        text=True,
        check=True,
    )
    for package, file in zip(PACKAGES, json.loads(ended.stdout), strict=True):
        assert Path(file) == ROOT / package / "__init__.py"


# -- size ----------------------------------------------------------------------------------------


def test_a_file_is_a_room_of_at_most_250_lines() -> None:
    lines = {
        str(path.relative_to(ROOT)): len(path.read_text("utf-8").splitlines())
        for path in sources().values()
    }
    wrong = {
        name: count
        for name, count in lines.items()
        if count > LONGER_FILES.get(name, (MAX_LINES, ""))[0]
    }
    assert not wrong
    unneeded = {name for name in LONGER_FILES if lines.get(name, 0) <= MAX_LINES}
    assert not unneeded, "fits by now; take it off the list"


def functions() -> Iterator[tuple[str, ast.FunctionDef | ast.AsyncFunctionDef]]:
    for module in sources():
        owners = [(module, tree_of(module))]
        while owners:
            owner, node = owners.pop()
            for child in ast.iter_child_nodes(node):
                name = f"{owner}.{getattr(child, 'name', '')}".rstrip(".")
                if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef):
                    yield name, child
                owners.append((name, child))


def test_a_function_has_at_most_40_lines_of_code_and_6_parameters() -> None:
    long, many = {}, {}
    for name, node in functions():
        body = node.body
        documented = isinstance(body[0], ast.Expr) and isinstance(body[0].value, ast.Constant)
        first = body[0].end_lineno if documented else body[0].lineno - 1
        count = int(node.end_lineno or 0) - int(first or 0)
        if count > LONGER_FUNCTIONS.get(name, (MAX_FUNCTION_LINES, ""))[0]:
            long[name] = count
        arguments = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
        own = [found for found in arguments if found.arg not in ("self", "cls")]
        if len(own) > 6 and name not in MANY_PARAMETERS:
            many[name] = len(own)
    assert not long
    assert not many


def test_every_module_says_in_its_first_sentence_what_it_is() -> None:
    assert not [module for module in sources() if not ast.get_docstring(tree_of(module))]


# -- errors --------------------------------------------------------------------------------------


def broad_handlers(module: str) -> Iterator[ast.ExceptHandler]:
    for node in ast.walk(tree_of(module)):
        if isinstance(node, ast.ExceptHandler):
            caught = ast.unparse(node.type) if node.type else "everything"
            if {"Exception", "BaseException", "everything"} & set(caught.strip("()").split(", ")):
                yield node


def ends_in_raise(handler: ast.ExceptHandler) -> bool:
    """Raised again, or under another name with the first one chained."""
    last = handler.body[-1]
    return isinstance(last, ast.Raise) and (last.exc is None or last.cause is not None)


def test_any_exception_at_all_is_swallowed_only_at_the_borders() -> None:
    catchers = [
        module
        for module in sources()
        for handler in broad_handlers(module)
        if not ends_in_raise(handler)
    ]
    assert sorted(catchers) == sorted(BORDERS)


def test_except_exception_exists_once_beside_libraries_whose_errors_have_no_name() -> None:
    catchers = {
        module
        for module in sources()
        for handler in broad_handlers(module)
        if handler.type is not None and ast.unparse(handler.type) == "Exception"
    }
    assert catchers == {"stream.worker", *NAMERS}
    in_worker = [
        handler for handler in broad_handlers("stream.worker") if not ends_in_raise(handler)
    ]
    assert len(in_worker) == 1


def test_errors_of_every_kind_are_suppressed_in_one_place() -> None:
    suppressors = [
        module
        for module in sources()
        for node in ast.walk(tree_of(module))
        if isinstance(node, ast.Call)
        and ast.unparse(node.func).endswith("suppress")
        and {"Exception", "BaseException"} & {ast.unparse(argument) for argument in node.args}
    ]
    assert suppressors == list(SUPPRESSORS)
