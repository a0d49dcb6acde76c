"""The house: what importing loads, which module may import which, and that all of it is told."""

from __future__ import annotations

import ast
import functools
import importlib
import inspect
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import chainrule

SOURCE = Path(chainrule.__file__).parent
FILES = sorted(SOURCE.rglob("*.py"))
LONGEST = 400

#: Floors of the house: a module may import from its own floor and from lower ones.
FLOORS = [
    {"errors", "settings"},
    {"data", "distributed"},
    {"graph"},
    {"ops"},
    {"engine", "show"},
    {"nn", "optim"},
    {"train"},
    {"check", "doctor"},
    {"formats", "plots", "estimators", "report"},
    {"api"},
    {"cli", "__main__"},
]
FLOOR = {package: level for level, packages in enumerate(FLOORS) for package in packages}

OPTIONAL = {
    "click", "jax", "latex2mathml", "matplotlib", "mlflow", "onnx", "pandas", "pooch", "pyarrow",
    "rich", "safetensors", "scipy", "sklearn", "sympy", "tensorboard", "torch",
}  # fmt: skip

#: The estimators are scikit-learn's own kind: nobody has them without it.
MAY_LOAD = {"estimators": {"scipy", "sklearn"}}


def module_name(path: Path) -> str:
    parts = ("chainrule", *path.relative_to(SOURCE).with_suffix("").parts)
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {module_name(path): path for path in FILES}


def package_of(module: str) -> str:
    """The floor's name: graph for chainrule.graph.tensor, nothing for chainrule itself."""
    return module.split(".")[1] if "." in module else ""


# What importing loads


def loaded_by(code: str) -> set[str]:
    """The modules that a fresh interpreter has loaded after ``code``."""
    told = subprocess.run(
        [sys.executable, "-c", f"import sys\n{code}\nprint(*sys.modules)"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    return set(told.stdout.split())


def test_importing_loads_numpy_and_nothing_heavier() -> None:
    ours = loaded_by("import chainrule; chainrule.Sequential; chainrule.train.fit")
    assert "chainrule.train.loop" in ours
    assert not OPTIONAL & ours
    packages = {name.split(".")[0] for name in ours - loaded_by("import numpy.random")}
    assert packages - set(sys.stdlib_module_names) - {"numpy"} == {"chainrule"}


def test_training_loads_nothing_heavier_either() -> None:
    code = (
        "import chainrule as cr; X, y = cr.data.gate('xor')\n"
        "net = cr.Sequential(cr.Dense(2, 'tanh'), cr.Dense(1, 'sigmoid'))\n"
        "net.fit(X, y, epochs=2, metrics='accuracy', validation=0.5); net.summary()"
    )
    assert not OPTIONAL & loaded_by(code)


# Public names


def test_all_is_sorted_complete_and_there() -> None:
    names = chainrule.__all__
    # As Ruff sorts: CONSTANTS, then Classes, then functions.
    assert names == sorted(
        names, key=lambda name: (not name.isupper(), not name[0].isupper(), name)
    )
    assert len(names) == len(set(names))
    for name in names:
        assert getattr(chainrule, name) is not None
    api = importlib.import_module("chainrule.api")
    there = {name for name in vars(api) if not name.startswith("_")} - {"TYPE_CHECKING"}
    assert there | set(api._LATER) == set(names)
    assert not there & set(api._LATER)
    # Packages become attributes when something imports them, wanted or not.
    others = {name for name in vars(chainrule) if not name.startswith("_")} - set(names)
    known = {package_of(module) for module in MODULES} | {"Any", "TYPE_CHECKING"}
    assert others <= known | set(api._ESTIMATORS)


def test_estimators_are_names_that_load_scikit_learn_when_asked_for() -> None:
    assert "sklearn" not in loaded_by("from chainrule import *; import chainrule; dir(chainrule)")
    assert "sklearn" in loaded_by("import chainrule; chainrule.NetworkClassifier")
    assert {"NetworkClassifier", "NetworkRegressor"} <= set(dir(chainrule)) - set(chainrule.__all__)


@pytest.mark.parametrize("module", sorted(MODULES))
def test_lists_of_public_names_hold(module: str) -> None:
    imported = importlib.import_module(module)
    later = getattr(imported, "_LATER", {})
    for name in getattr(imported, "__all__", ()):
        assert hasattr(imported, name) or name in later, name


# Who imports whom


def imports(tree: ast.AST) -> Iterator[str]:
    """What a module imports when it is loaded: not what functions do, nor what types need."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            continue
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            for alias in node.names:
                whole = f"{node.module}.{alias.name}"
                yield whole if whole in MODULES else str(node.module)
        else:
            yield from imports(node)


@functools.cache
def edges() -> dict[str, set[str]]:
    """Each module with those of chainrule that it imports."""
    found = {}
    for module, path in MODULES.items():
        tree = ast.parse(path.read_text(encoding="utf-8"))
        found[module] = {name for name in imports(tree) if name in MODULES} - {module}
    return found


def test_every_package_has_its_floor() -> None:
    packages = {package_of(module) for module in MODULES} - {""}
    assert packages <= set(FLOOR), "say in FLOORS where the new package belongs"
    # The test would see nothing if imports were not found.
    assert "chainrule.ops.linear" in edges()["chainrule.api"]
    assert "chainrule.train.loop" in edges()["chainrule.train.fit"]


def test_imports_go_downwards() -> None:
    upwards = [
        f"{module} imports {target}"
        for module, targets in edges().items()
        if module != "chainrule"
        for target in sorted(targets)
        # The package itself is the roof: only what lies above all floors may look at it.
        if FLOOR.get(package_of(target), len(FLOORS) - 1) > FLOOR[package_of(module)]
    ]
    assert upwards == []


def test_data_imports_errors_alone() -> None:
    others = {
        f"{module} imports {target}"
        for module, targets in edges().items()
        if package_of(module) == "data"
        for target in targets
        if package_of(target) not in ("data", "errors")
    }
    assert others == set()


def test_the_graph_imports_numpy_alone() -> None:
    standard = set(sys.stdlib_module_names)
    for module, path in MODULES.items():
        if package_of(module) in ("graph", "errors"):
            tree = ast.parse(path.read_text(encoding="utf-8"))
            roots = {name.split(".")[0] for name in imports(tree)}
            assert roots - standard <= {"numpy", "chainrule"}, module


def test_there_are_no_circles() -> None:
    """Take away, again and again, all modules whose imports are gone: nothing may be left."""
    left = edges()
    while ready := {module for module, targets in left.items() if not targets & set(left)}:
        left = {module: targets for module, targets in left.items() if module not in ready}
    assert left == {}


def test_optional_packages_are_imported_inside_functions() -> None:
    early = {
        f"{module}: {name}"
        for module, path in MODULES.items()
        if package_of(module) != "cli"  # the command's own parser is click
        for name in imports(ast.parse(path.read_text(encoding="utf-8")))
        if name.split(".")[0] in OPTIONAL - MAY_LOAD.get(package_of(module), set())
    }
    assert early == set()


# All of it is told


@pytest.mark.parametrize("module", sorted(MODULES))
def test_everything_public_has_a_docstring(module: str) -> None:
    imported = importlib.import_module(module)
    assert inspect.getdoc(imported), f"{module} has no docstring"
    for name, thing in vars(imported).items():
        own = getattr(thing, "__module__", None) == module
        if name.startswith("_") or not own or not (inspect.isclass(thing) or callable(thing)):
            continue
        if inspect.isclass(thing):
            # A class without words of its own would show its parent's, or its own signature.
            told = thing.__doc__ or ""
            assert told, f"{module}.{name} has no docstring"
            assert not told.startswith(f"{name}("), f"{module}.{name} has only a signature"
        else:
            assert inspect.getdoc(thing), f"{module}.{name} has no docstring"


@pytest.mark.parametrize("module", sorted(MODULES))
def test_files_are_short(module: str) -> None:
    lines = MODULES[module].read_text(encoding="utf-8").count("\n")
    assert lines <= LONGEST, f"{MODULES[module].name} has {lines} lines"


def test_no_file_names_a_workplace() -> None:
    """Paths of one machine have no place in files that go to others."""
    # Written so that this file does not name them either.
    forbidden = re.compile(r"/[w]ork\b|\.\./[s]hared\b")
    root = Path(__file__).parents[1]
    folders = ("src", "tests", "benchmarks", "demo", "docs")
    paths = [path for folder in folders for path in sorted((root / folder).rglob("*"))]
    paths += [path for path in root.iterdir() if path.is_file()]
    texts = {".py", ".md", ".toml", ".css", ".html", ".yml", ".yaml", ".txt", ".cfg", ""}
    found = []
    for path in paths:
        if not path.is_file() or path.suffix not in texts or "__pycache__" in path.parts:
            continue
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
            if forbidden.search(line):
                found.append(f"{path}:{number}: {line.strip()}")
    assert found == []
