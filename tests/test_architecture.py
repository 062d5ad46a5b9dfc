"""The rooms of the house, and which may import which: only from a floor below, or from within."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from fcnkit.types import FAMILIES, all_types
from tests.floors import FLOORS, table
from tests.paths import ROOT

PACKAGE = ROOT / "fcnkit"

FLOOR = {room.name.rstrip("/"): number for number, rooms in enumerate(FLOORS) for room in rooms}
TORCHLESS = {room.name.rstrip("/") for rooms in FLOORS for room in rooms if not room.torch}
MODULES = sorted(PACKAGE.rglob("*.py"))


def room(module: Path) -> str:
    return module.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imports(module: Path) -> set[str]:
    """The modules that a module imports when it is itself imported or used, type checking aside."""
    found = set()
    tree = ast.parse(module.read_text())
    checking = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
        for inner in ast.walk(node)
    }
    for node in ast.walk(tree):
        if id(node) in checking:
            continue
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module}: relative import"
            found.update(f"{node.module}.{alias.name}" for alias in node.names)
    return found


@pytest.mark.parametrize("module", MODULES, ids=lambda module: str(module.relative_to(PACKAGE)))
def test_rooms_import_only_rooms_below(module: Path) -> None:
    own = room(module)
    for name in imports(module):
        parts = name.split(".")
        if parts[0] == "fcnkit" and len(parts) > 1:
            other = parts[1] if parts[1] in FLOOR else "__init__"
            assert other == own or FLOOR[other] < FLOOR[own], f"{own} imports {name}"
        if parts[0] == "torch":
            assert own not in TORCHLESS, f"{own} imports torch"


def test_every_room_has_its_place_in_the_table() -> None:
    assert {room(module) for module in MODULES} == FLOOR.keys()
    assert table() in (ROOT / "CONTRIBUTING.md").read_text()


def test_rooms_without_torch_are_imported_without_it() -> None:
    """All of their modules at once, those of commands included."""
    names = [
        ".".join(module.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        for module in MODULES
        if room(module) in TORCHLESS - {"__main__"}
    ]
    code = (
        f"import importlib, sys\nfor name in {names}: importlib.import_module(name)\nassert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def layer_types(tree: ast.AST) -> set[str]:
    """The names of layer types that stand together in a list, a set, a dict or a comparison."""
    known, found = {record.name for record in all_types()}, set()
    for node in ast.walk(tree):
        if isinstance(node, ast.List | ast.Tuple | ast.Set | ast.Dict):
            parts = node.keys if isinstance(node, ast.Dict) else node.elts
            names = {part.value for part in parts if isinstance(part, ast.Constant) and part.value in known}
            found |= names if len(names) > 1 else set()
    return found


@pytest.mark.parametrize("module", MODULES, ids=lambda module: str(module.relative_to(PACKAGE)))
def test_only_records_list_layer_types(module: Path) -> None:
    if room(module) != "types":
        assert not layer_types(ast.parse(module.read_text()))


def test_the_families_of_layer_types_have_the_same_files_everywhere() -> None:
    def families(name: str) -> set[str]:
        return {path.stem for path in (PACKAGE / name).glob("*.py")} - {"__init__"}

    recorded = {family.__name__.rpartition(".")[2] for family in FAMILIES}
    assert families("layers") - {"base", "fillers"} == recorded - {"data"}
    # The arithmetic of boxes serves several families.
    assert families("nn") - {"boxes"} <= recorded


def test_modules_are_short() -> None:
    lengths = {str(module.relative_to(ROOT)): len(module.read_text().splitlines()) for module in MODULES}
    assert {name: length for name, length in lengths.items() if length > 320} == {}


@pytest.mark.parametrize(
    "code",
    [
        "import fcnkit",
        "import fcnkit; dir(fcnkit); fcnkit.FcnkitError",
        "import fcnkit.caffe.caffemodel, fcnkit.caffe.deploy, fcnkit.caffe.inputs",
        "from click.testing import CliRunner; from fcnkit.cli import main; CliRunner().invoke(main, ['--help'])",
        "from click.testing import CliRunner; from fcnkit.cli import COMMANDS, main; "
        "[CliRunner().invoke(main, [name, '-h']) for name in COMMANDS]",
    ],
)
def test_torch_is_imported_only_when_needed(code: str) -> None:
    subprocess.run([sys.executable, "-c", f"{code}; import sys; assert 'torch' not in sys.modules"], check=True)


def test_converting_imports_nothing_slow(sample: Path) -> None:
    """Meta tensors would bring in sympy and torch._dynamo, which take longer than all the rest."""
    code = f"import sys, fcnkit; fcnkit.convert({str(sample)!r}); "
    code += "assert not {'sympy', 'torch._dynamo'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_public_names_are_there() -> None:
    import fcnkit

    for name in fcnkit.__all__:
        assert callable(getattr(fcnkit, name)), name
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        fcnkit.nothing  # noqa: B018
