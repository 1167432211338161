"""The rules of the house: sizes, imports, weight, forbidden calls, documents that match the code."""

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from verifiers import __version__
from verifiers.registry import catalog_names

ROOT = Path(__file__).resolve().parent.parent
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
PACKAGES = [name for name in ("sandbox", "verifiers", "reward_models", "grpo_bridge") if (ROOT / name).is_dir()]
PACKAGE_FILES = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))
OTHER_FOLDERS = ("tests", "benchmarks", "docs", "examples")
PYTHON_FILES = [
    *PACKAGE_FILES,
    ROOT / "dev.py",
    *(p for folder in OTHER_FOLDERS for p in (ROOT / folder).rglob("*.py")),
]

MAX_FILE_LINES = 500
MAX_INIT_LINES = 60
MAX_CORE_DISTRIBUTIONS = 15
MAX_CORE_BYTES = 50 * 1000 * 1000
HEAVY = "click datasets docker mpmath pyarrow ray rich sympy torch transformers trl yaml".split()

FORBIDDEN_CALLS = {"eval", "exec", "compile", "__import__", "sympify", "parse_expr", "parse_latex", "lambdify"}
FORBIDDEN_METHODS = {"sympify", "parse_expr", "parse_latex", "lambdify"}
UNPICKLERS = {"load", "loads", "Unpickler"}
ALLOWED_CALLS: dict[tuple[str, str], str] = {
    # (file, call): why it is safe. Model output must never reach it.
    ("verifiers/binding.py", "pickle.loads"): "a live teacher of the user's own, pickled by the process that reads it",
    # What runs inside a box is there to run programs; the host never imports these files' functions.
    ("sandbox/box/duet_grader.py", "compile"): "the tests' source, in the box, in a process of its own",
    ("sandbox/box/duet_grader.py", "exec"): "the tests' source, in the box, in a process of its own",
    ("sandbox/box/python_calls.py", "compile"): "the program, in the box, after all isolation is in place",
    ("sandbox/box/python_calls.py", "exec"): "the program, in the box, after all isolation is in place",
    ("sandbox/box/python_program.py", "compile"): "the program, in the box, after all isolation is in place",
    ("sandbox/box/python_program.py", "exec"): "the program, in the box, after all isolation is in place",
    ("sandbox/box/zygote.py", "marshal.loads"): "plans from the supervisor, its own parent, which holds no source",
}

REGISTRY_HOST = re.compile(
    r"(?:files\.)?pythonhosted\.org|pypi\.org|registry\.npmjs\.org|://[\w.]*(?:mirror|artifactory)", re.I
)
THIS_MACHINE = re.compile(r"(?<![\w./])/(?:work|tmp/house|root)/")


def relative(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def lines_of(path: Path) -> int:
    return len(path.read_text(encoding="utf-8").splitlines())


def test_python_file_when_any_then_at_most_500_lines():
    long = {relative(path): lines_of(path) for path in PYTHON_FILES if lines_of(path) > MAX_FILE_LINES}
    assert not long


def test_init_file_when_any_then_only_hands_names_on():
    inits = [path for path in PACKAGE_FILES if path.name == "__init__.py"]
    assert inits
    assert not {relative(path): lines_of(path) for path in inits if lines_of(path) > MAX_INIT_LINES}


def test_tests_folder_when_it_has_subfolders_then_none_is_named_like_a_package():
    named = {path.name for path in (ROOT / "tests").iterdir() if path.is_dir()}
    assert not named & {"sandbox", "verifiers", "reward_models", "grpo_bridge"}


def test_import_verifiers_when_fresh_then_loads_nothing_heavy():
    program = f"import sys, verifiers; print([name for name in {HEAVY!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.strip() == "[]"


def closure(requirement: str, seen: dict[str, int]) -> dict[str, int]:
    """Collect name -> installed bytes (without bytecode) of a requirement and all that it needs."""
    parsed = Requirement(requirement)
    name = re.sub(r"[-_.]+", "-", parsed.name).lower()
    if name in seen or (parsed.marker is not None and not parsed.marker.evaluate({"extra": ""})):
        return seen
    found = distribution(name)
    seen[name] = sum(installed_bytes(Path(file.locate())) for file in found.files or ())
    for needed in found.requires or ():
        closure(needed, seen)
    return seen


def installed_bytes(path: Path) -> int:
    return 0 if path.suffix == ".pyc" or not path.is_file() else path.stat().st_size


def test_core_install_when_weighed_then_15_distributions_and_50_mb_at_most():
    sizes: dict[str, int] = {}
    for requirement in PYPROJECT["project"]["dependencies"]:
        closure(requirement, sizes)
    own = sum(path.stat().st_size for path in PACKAGE_FILES)
    assert {"click", "msgspec", "pyyaml", "rich", "sympy", "mpmath"} <= sizes.keys()
    assert min(sizes.values()) > 1000, "a distribution that lists no files would make this test blind"
    assert len(sizes) + 1 <= MAX_CORE_DISTRIBUTIONS, sorted(sizes)
    assert sum(sizes.values()) + own <= MAX_CORE_BYTES, sizes


def test_extras_when_declared_then_every_one_but_dev_is_in_all():
    extras = PYPROJECT["project"]["optional-dependencies"]
    (everything,) = extras["all"]
    assert Requirement(everything).extras == extras.keys() - {"all", "dev"}


def test_missing_extra_when_named_in_code_then_is_declared():
    named = {(relative(path), extra) for path in PACKAGE_FILES for extra in required_extras(path)}
    declared = PYPROJECT["project"]["optional-dependencies"].keys()
    assert named
    assert not {(path, extra) for path, extra in named if extra not in declared}


def required_extras(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "require":
            extra = node.args[1] if len(node.args) > 1 else next(k.value for k in node.keywords if k.arg == "extra")
            if isinstance(extra, ast.Constant):
                yield str(extra.value)


def test_version_when_changed_then_the_changelog_says_so():
    heading = re.search(r"^## (\S+)", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.M)
    assert heading is not None
    assert heading[1] == __version__
    try:
        assert distribution("grpo-teachers").version == __version__
    except PackageNotFoundError:
        pytest.fail("the project is not installed; run: python3 dev.py test")


def forbidden_calls(path: Path) -> Iterator[str]:
    """Yield each call that would run text, unpickle data, or hand a line to a shell."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not isinstance(node, ast.Call):
            continue
        function = node.func
        if isinstance(function, ast.Name) and function.id in FORBIDDEN_CALLS:
            yield function.id
        if isinstance(function, ast.Attribute):
            owner = function.value.id if isinstance(function.value, ast.Name) else ""
            if function.attr in FORBIDDEN_METHODS or (owner == "builtins" and function.attr in FORBIDDEN_CALLS):
                yield f"{owner}.{function.attr}"
            if owner in {"pickle", "cloudpickle", "dill", "marshal"} and function.attr in UNPICKLERS:
                yield f"{owner}.{function.attr}"
            if (owner, function.attr) in {("os", "system"), ("os", "popen"), ("yaml", "load"), ("yaml", "unsafe_load")}:
                yield f"{owner}.{function.attr}"
        if any(key.arg == "shell" and not is_false(key.value) for key in node.keywords):
            yield "shell=True"


def is_false(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is False


@pytest.mark.parametrize(
    "source",
    [
        "eval(text)",
        "exec(text)",
        "sympy.sympify(text)",
        "sp.parsing.parse_expr(text)",
        "pickle.loads(data)",
        "subprocess.run(text, shell=True)",
        "os.system(text)",
        "yaml.load(text)",
        "builtins.eval(text)",
    ],
)
def test_forbidden_calls_when_a_file_has_one_then_it_is_seen(source: str, tmp_path: Path):
    path = tmp_path / "file.py"
    path.write_text(source)
    assert list(forbidden_calls(path))


def test_packages_when_walked_then_no_text_is_run_and_no_data_unpickled():
    found = {(relative(path), call) for path in PACKAGE_FILES for call in forbidden_calls(path)}
    assert found - ALLOWED_CALLS.keys() == set()
    assert ALLOWED_CALLS.keys() - found == set(), "an exception that is no longer needed"


def committed_files() -> list[Path]:
    done = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=False)
    if done.returncode != 0:
        pytest.skip("needs a git checkout to know which files are committed")
    return [path for name in done.stdout.decode().split("\0") if name and (path := ROOT / name).is_file()]


def test_committed_files_when_read_then_name_no_registry_host_nor_this_machine():
    found = []
    for path in committed_files():
        if path.suffix in {".gz", ".png"} or path == Path(__file__):
            continue
        text = path.read_text(encoding="utf-8")
        found += [f"{relative(path)}: {m[0]}" for p in (REGISTRY_HOST, THIS_MACHINE) for m in p.finditer(text)]
    assert not found


def test_import_rules_when_a_package_is_added_then_it_is_under_them():
    assert sorted(PYPROJECT["tool"]["importlinter"]["root_packages"]) == sorted(PACKAGES)
    included = PYPROJECT["tool"]["setuptools"]["packages"]["find"]["include"]
    assert sorted(included) == sorted(f"{name}*" for name in PACKAGES)


def test_package_data_when_not_python_then_the_wheel_takes_it():
    declared = PYPROJECT["tool"]["setuptools"]["package-data"]
    data = {path for path in committed_files() if path.relative_to(ROOT).parts[0] in PACKAGES and path.suffix != ".py"}
    taken = {path for package, patterns in declared.items() for p in patterns for path in (ROOT / package).glob(p)}
    assert {relative(path) for path in data} == {relative(path) for path in taken}
    assert all((ROOT / package / "py.typed") in taken for package in PACKAGES)


def test_ci_when_run_then_calls_the_readme_test_command():
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    assert "python3 dev.py test\n" in script
    for readme in ("README.md", "README.zh-CN.md"):
        assert "python3 dev.py test" in (ROOT / readme).read_text(encoding="utf-8")


def test_trainers_tests_when_marked_then_an_environment_runs_them():
    tree = ast.parse((ROOT / "dev_trainers.py").read_text(encoding="utf-8"))
    given = {getattr(each.target, "id", ""): each.value for each in tree.body if isinstance(each, ast.AnnAssign)}
    names = [key.value for key in given["ENVIRONMENTS"].keys]
    assert "rm" in names
    lost = [
        path.name
        for path in (ROOT / "tests").glob("test_*.py")
        if re.search(r"^(pytestmark = |@)pytest\.mark\.trainers", path.read_text(encoding="utf-8"), re.MULTILINE)
        and not path.stem.endswith(tuple(f"_{name}" for name in names))
    ]
    assert lost == []


def test_catalog_page_when_the_code_changes_then_it_is_current():
    done = subprocess.run(
        [sys.executable, "docs/generate.py", "--check"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_catalog_page_when_read_then_has_every_teacher():
    page = (ROOT / "docs" / "teachers.md").read_text(encoding="utf-8")
    names = catalog_names()
    assert names
    assert not [name for name in names if f"\n## {name}\n" not in page]
