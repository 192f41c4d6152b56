"""Rules of the house: which way imports run, how large files are, what differentiated code may hold, what is typed."""

import ast
import importlib.util
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "diffrt"
MODULES = sorted(PACKAGE.rglob("*.py"))

LEVELS: tuple[tuple[str, ...], ...] = (
    ("__init__",),
    ("__main__", "cli"),
    ("interop",),
    ("fit",),
    ("gradient",),
    ("render",),
    ("shading",),
    ("device",),
    ("core",),
    ("scene",),
    ("io",),
    ("description",),
    ("errors", "log", "progress", "_taichi", "_quick_launch", "_quick_reading"),
)
"""A module imports only from its own line or from lines below it."""

LIGHT_COMMANDS = (["--help"], ["render", "--help"], ["info", "scenes/cornell_box.json"], ["schema"])
LONGEST_FILE = 400
FORBIDDEN_NAMES = ("random", "rsqrt", "tan")
"""Functions of Taichi without a right derivative."""


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def level_of(part: str) -> int:
    """Line of a folder or top-level module in LEVELS."""
    found = [i for i, names in enumerate(LEVELS) if part in names]
    assert found, f"diffrt/{part} has no place among the lines of the house"
    return found[0]


def imported(path: Path) -> Iterator[tuple[int, str]]:
    """(line number, first part below diffrt) of everything that a module imports from the package."""
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{name_of(path)}:{node.lineno}: relative import"
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        else:
            continue
        for name in names:
            parts = name.split(".")
            if parts[0] != "diffrt":
                continue
            known = len(parts) > 1 and any(parts[1] in level for level in LEVELS)
            yield node.lineno, parts[1] if known else "__init__"


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_imports_run_down(path: Path) -> None:
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    own = level_of(parts[0])
    wrong = [f"{name_of(path)}:{line} imports {part}" for line, part in imported(path) if level_of(part) < own]
    assert not wrong


def imports_taichi(path: Path, at_top: bool) -> bool:
    nodes = tree(path).body if at_top else list(ast.walk(tree(path)))
    names = [alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names]
    names += [node.module or "" for node in nodes if isinstance(node, ast.ImportFrom)]
    return any(name.split(".")[0] == "taichi" for name in names)


def test_no_taichi_from_scene_down() -> None:
    below = [p for p in MODULES if level_of(p.relative_to(PACKAGE).with_suffix("").parts[0]) >= level_of("scene")]
    assert len(below) > 20
    knowing = [name_of(p) for p in below if imports_taichi(p, at_top=False)]
    assert knowing == ["diffrt/_quick_launch.py", "diffrt/_quick_reading.py", "diffrt/_taichi.py"]


@pytest.mark.parametrize("arguments", LIGHT_COMMANDS, ids=lambda a: a[0])
def test_light_commands_do_not_import_taichi(arguments: list[str]) -> None:
    runner = (
        "import sys; from diffrt.cli import main\n"
        "sys.argv = ['diffrt', *sys.argv[1:]]\n"
        "try: main()\n"
        "except SystemExit as end: code = end.code or 0\n"
        "else: code = 0\n"
        "heavy = sorted({name.split('.')[0] for name in sys.modules} & {'taichi', 'torch', 'mitsuba', 'matplotlib'})\n"
        "print('heavy:', heavy, file=sys.stderr)\n"
        "sys.exit(code)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", runner, *arguments], cwd=ROOT, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    assert "heavy: []" in done.stderr
    assert len(done.stdout) > 100


def test_pictures_import_nothing_of_fitting() -> None:
    code = "import sys, diffrt; print(sorted(name for name in sys.modules if name.startswith(('diffrt.fit', 'scipy'))))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.stdout.strip() == "['diffrt.fit', 'diffrt.fit.fit', 'diffrt.fit.fit_result']", done.stderr


def differentiated() -> list[Path]:
    return [path for path in MODULES if (ast.get_docstring(tree(path)) or "").startswith("Differentiated:")]


def violations(module: ast.Module) -> list[str]:
    """What Taichi's reverse mode cannot take, or takes and gets wrong."""
    found = []

    def is_static(loop: ast.For) -> bool:
        call = loop.iter
        return isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute) and call.func.attr == "static"

    def walk(node: ast.AST, dynamic_loops: int, compiled: bool) -> None:
        if isinstance(node, ast.FunctionDef):
            compiled = any(isinstance(d, ast.Attribute) and d.attr in ("func", "kernel") for d in node.decorator_list)
            is_kernel = any(isinstance(d, ast.Attribute) and d.attr == "kernel" for d in node.decorator_list)
            # A kernel's outermost loop is run in parallel; a func lies inside of one.
            dynamic_loops = 0 if is_kernel else 1
        if compiled:
            line = getattr(node, "lineno", 0)
            if isinstance(node, ast.While | ast.Break | ast.Continue):
                found.append(f"line {line}: {type(node).__name__.lower()}")
            if isinstance(node, ast.Attribute) and node.attr in FORBIDDEN_NAMES:
                found.append(f"line {line}: {node.attr}")
            if isinstance(node, ast.For) and not is_static(node):
                if dynamic_loops:
                    found.append(f"line {line}: a dynamic loop inside the outermost one")
                dynamic_loops += 1
        for child in ast.iter_child_nodes(node):
            walk(child, dynamic_loops, compiled)

    walk(module, 0, False)
    return found


@pytest.mark.parametrize("path", differentiated(), ids=name_of)
def test_differentiated_code_is_straight(path: Path) -> None:
    assert not violations(tree(path))


def test_there_is_differentiated_code() -> None:
    assert len(differentiated()) >= 10


@pytest.mark.parametrize(
    ("body", "found"),
    [
        ("for i in range(n):\n  for j in ti.static(range(3)):\n   x[i] += ti.sin(1.0)", 0),
        ("for i in range(n):\n  for j in range(3):\n   x[i] += 1.0", 1),
        ("for i in range(n):\n  while True:\n   break", 2),
        ("for i in range(n):\n  if x[i] > 0:\n   continue", 1),
        ("x[0] = ti.random() + ti.math.tan(1.0) + ti.rsqrt(2.0)", 3),
    ],
)
def test_the_rule_of_straight_code_sees(body: str, found: int) -> None:
    lines = "\n ".join(body.splitlines())
    assert len(violations(ast.parse(f"@ti.kernel\ndef f(n: ti.i32):\n {lines}\n"))) == found


def test_a_func_may_hold_no_dynamic_loop() -> None:
    assert len(violations(ast.parse("@ti.func\ndef f(n):\n for i in range(n):\n  pass\n"))) == 1
    assert not violations(ast.parse("def f(n):\n while n:\n  break\n"))


def test_kernels_keep_their_annotations() -> None:
    """`from __future__ import annotations` makes strings of them, which Taichi cannot read."""
    future = [
        name_of(path)
        for path in MODULES
        for node in tree(path).body
        if isinstance(node, ast.ImportFrom) and node.module == "__future__" and imports_taichi(path, at_top=True)
    ]
    assert not future


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_file_is_short_and_says_what_it_is(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= LONGEST_FILE
    assert ast.get_docstring(tree(path)), "a module starts with a sentence about itself"


def file_of(module: str) -> Path:
    path = ROOT.joinpath(*module.split("."))
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")


def is_public(node: ast.AST) -> bool:
    return isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_")


def test_what_is_public_is_documented() -> None:
    import diffrt

    missing = []
    for name in diffrt.__all__:
        thing = getattr(diffrt, name)
        if not (getattr(thing, "__doc__", None) or "").strip():
            missing.append(name)
        if isinstance(thing, type):
            path = Path(sys.modules[thing.__module__].__file__ or "")
            node = next(n for n in tree(path).body if isinstance(n, ast.ClassDef) and n.name == thing.__name__)
            missing += [
                f"{name}.{part.name}"
                for part in node.body
                if isinstance(part, ast.FunctionDef) and is_public(part) and not ast.get_docstring(part)
            ]
    assert not missing


def test_classes_are_documented() -> None:
    missing = [
        f"{name_of(path)}: {node.name}"
        for path in MODULES
        for node in tree(path).body
        if isinstance(node, ast.ClassDef) and is_public(node) and not ast.get_docstring(node)
    ]
    assert not missing


def kernel_modules() -> set[str]:
    """Modules in which Taichi compiles something: their annotations are Taichi's, not Python's."""
    found = set()
    for path in MODULES:
        decorated = [node for node in ast.walk(tree(path)) if isinstance(node, ast.FunctionDef | ast.ClassDef)]
        decorators = [d for node in decorated for d in node.decorator_list if isinstance(d, ast.Attribute)]
        if any(isinstance(d.value, ast.Name) and d.value.id == "ti" for d in decorators):
            found.add(".".join(path.relative_to(ROOT).with_suffix("").parts))
    return found


def unchecked_modules() -> set[str]:
    """Modules that pyproject.toml exempts from type checking."""
    configuration = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    overrides = configuration["tool"]["mypy"]["overrides"]
    return {module for part in overrides if part.get("ignore_errors") for module in part["module"]}


def test_all_but_kernels_is_type_checked() -> None:
    exempt, kernels = unchecked_modules(), kernel_modules()
    names = {".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__") for path in MODULES}

    def matches(name: str) -> bool:
        return any(re.fullmatch(pattern.replace(".", r"\.").replace("*", ".*"), name) for pattern in exempt)

    code = (ast.FunctionDef, ast.ClassDef)
    names = {name for name in names if any(isinstance(node, code) for node in tree(file_of(name)).body)}
    unduly = sorted(name for name in names - kernels if matches(name))
    assert not unduly, "exempt from type checking without holding a kernel"
    assert len(names - kernels) > 50
    assert not sorted(name for name in kernels if not matches(name)), "add these to the override in pyproject.toml"


def test_there_is_one_subroutine() -> None:
    """No kernel may call two, see core/subroutine.py; while there is but one, none can."""
    functions = [node for path in MODULES for node in ast.walk(tree(path)) if isinstance(node, ast.FunctionDef)]
    assert sum(ast.unparse(mark) == "subroutine" for node in functions for mark in node.decorator_list) == 1


def test_types_are_published() -> None:
    assert (PACKAGE / "py.typed").is_file()


@pytest.mark.skipif(importlib.util.find_spec("mypy") is None, reason="mypy is not installed (extra: dev)")
def test_types_are_right() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "mypy"], cwd=ROOT, capture_output=True, text=True, timeout=600, check=False
    )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-1000:]


def test_no_two_test_modules_have_one_name() -> None:
    """pytest could not collect them together; `conftest.py` is its own."""
    names = [path.name for path in (ROOT / "tests").rglob("*.py") if path.name not in ("conftest.py", "__init__.py")]
    assert len(names) == len(set(names)), sorted({name for name in names if names.count(name) > 1})
