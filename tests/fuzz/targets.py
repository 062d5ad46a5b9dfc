"""What is fuzzed: each target takes bytes, and must end in a result or an FcnkitError.

`python -m tests.fuzz.targets NAME` runs a target under atheris (`make fuzz`), and without a name lists them;
mutations.py runs all of them on mutations of the golden files, test_structured.py on what hypothesis makes up.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from types import FunctionType

from fcnkit import formats, simplification
from fcnkit.caffe import caffemodel, hdf5, prototxt
from fcnkit.caffe.upgrade import upgrade_net
from fcnkit.errors import FcnkitError
from fcnkit.formats.format import CAFFEMODEL, PROTOTXT, recognize
from fcnkit.generation.upsampling import deconvolution
from fcnkit.geometry.coordinates import Coordinates, fill
from fcnkit.geometry.report import explain
from fcnkit.inspect.comparison import compare_files
from fcnkit.inspect.drawing import PICTURES
from fcnkit.inspect.summary import summarize_file
from fcnkit.net import CaffeNet, conversion
from fcnkit.surgery.fc2conv_files import fc2conv as surgery_fc2conv
from fcnkit.surgery.kernels import CastError
from fcnkit.surgery.start import start
from tests.paths import DATA

_SEED = DATA / "legacy" / "v2_input_fields"
_FOLDER = Path(tempfile.mkdtemp(prefix="fcnkit-fuzz-"))


def _file(data: bytes, suffix: str) -> Path:
    path = _FOLDER / f"{os.getpid()}{suffix}"
    path.write_bytes(data)
    return path


def read_caffemodel(data: bytes) -> None:
    """The wire walk, and all that follows up to the net."""
    path = _file(data, ".caffemodel")
    caffemodel.read(path)
    formats.load(path)


def read_prototxt(data: bytes) -> None:
    """Text, its upgrade, the cut down to the net that runs, and the net; as it stands, too."""
    text = prototxt.decode(data)
    for deploy in (True, False):
        options = conversion.NetOptions(deploy=deploy)
        CaffeNet(conversion.prepare(prototxt.parse(text), None, options).definition, filled=False)


def read_hdf5(data: bytes) -> None:
    hdf5.read(_file(data, ".h5"))


def read_safetensors(data: bytes) -> None:
    formats.load(_file(data, ".safetensors"))


def read_pth(data: bytes) -> None:
    formats.load(_file(data, ".pth"), _SEED / "net.prototxt")


def read_npz(data: bytes) -> None:
    formats.load(_file(data, ".npz"), _SEED / "net.prototxt")


def generate(data: bytes) -> None:
    """Any name must come back from the prototxt as it was."""
    name = data.decode("utf-8", "replace")
    layer = prototxt.parse(deconvolution(2, 3, name, name + "b", name + "t")).layer[0]
    assert (layer.name, layer.bottom[0], layer.top[0]) == (name, name + "b", name + "t")


def _net(data: bytes, *, filled: bool = False) -> CaffeNet:
    """The net of a .caffemodel or a .prototxt."""
    return formats.load(_file(data, ""), mapped=True, untrained="fill" if filled else "leave")


def simplify(data: bytes) -> None:
    """All rewrites."""
    net = _net(data, filled=True)
    simplification.simplify(net)
    simplification.fold_batchnorm(net)
    simplification.with_legacy_inputs(net)


def draw(data: bytes) -> None:
    net = _net(data)
    for picture in PICTURES.values():
        picture(net)


def offsets(data: bytes) -> None:
    """The table, and the filled definition."""
    path = _file(data, "")
    definition = caffemodel.read(path).net if recognize(path) is CAFFEMODEL else prototxt.read(path)
    definition = upgrade_net(definition)
    coordinates = Coordinates(definition)
    explain(coordinates)
    prototxt.to_text(fill(definition, coordinates))


def summary(data: bytes) -> None:
    path = _file(data, "")
    found = summarize_file(path)
    found.table()
    json.dumps(found.to_dict())


def diff(data: bytes) -> None:
    """Against the file of a net of another structure, and against itself."""
    path = _file(data, "")
    compare_files(path, _SEED / "net.caffemodel")
    compare_files(path, path)


def fc2conv(data: bytes) -> None:
    path = _file(data, ".caffemodel")
    for back in (False, True):
        with suppress(CastError):
            surgery_fc2conv(path, _FOLDER / f"cast{os.getpid()}.caffemodel", back=back, force=True)


def init(data: bytes) -> None:
    """A file's net from weights, and if the file has any, a net from its weights."""
    path = _file(data, "")
    if recognize(path) is CAFFEMODEL:
        definition = _FOLDER / f"init{os.getpid()}.prototxt"
        definition.write_text(prototxt.to_text(caffemodel.read(path).net))
        start(definition, path)
    start(path if recognize(path) is PROTOTXT else _SEED / "net.prototxt", _SEED / "net.caffemodel")


def _saved(suffix: str) -> Callable[[bytes], None]:
    """A target that writes nets to a format, and loads them again if the format can be loaded."""

    def save(data: bytes) -> None:
        net = _net(data, filled=True)
        path = _FOLDER / f"saved{os.getpid()}{suffix}"
        formats.save(net, path)
        of = recognize(path) if suffix not in (".py", ".pt2", ".onnx") else None
        if of is not None:
            definition = path.with_suffix(".prototxt")
            definition.write_text(net.prototxt)
            formats.load(path, None if of is PROTOTXT else definition)
        elif suffix == ".py":
            compile(path.read_bytes(), path, "exec")

    save.__name__ = f"save_{suffix[1:]}"
    return save


def seeds(name: str) -> list[bytes]:
    """What the mutations of a target start from."""
    if name == "generate":
        return [b"score", 'quote" brace } back\\slash\nnewline \u00fc'.encode(), bytes(range(256))]
    if name in ("read_safetensors", "read_pth", "read_npz"):
        path = _FOLDER / f"seed.{name.removeprefix('read_')}"
        formats.save(formats.load(_SEED / "net.caffemodel"), path)
        return [path.read_bytes()]
    pattern = {"read_caffemodel": "net.caffemodel", "read_prototxt": "*.prototxt", "read_hdf5": "*.h5"}.get(name)
    # What works on a net takes both files that define one.
    paths = DATA.rglob(pattern) if pattern else [*DATA.rglob("net.caffemodel"), *DATA.rglob("net.prototxt")]
    found = [data for path in sorted(paths) if len(data := path.read_bytes()) < 30_000]
    return found if pattern else found[:: 60 if name in SLOW else 6]


TARGETS: dict[str, Callable[[bytes], None]] = {
    target.__name__: target
    for target in (
        *(read_caffemodel, read_prototxt, read_hdf5, read_safetensors, read_pth, read_npz, generate),
        *(simplify, draw, offsets, summary, diff, fc2conv, init),
        *(_saved(each) for each in formats.suffixes() if each != ".pt"),
    )
}
# Those that trace a net, which takes seconds.
SLOW = {"save_onnx", "save_pt2"}


def holds(target: Callable[[bytes], None], data: bytes) -> bool:
    """Run a target; whether it gave a result. Anything but a result or an FcnkitError is raised."""
    try:
        target(data)
    except FcnkitError as error:
        assert str(error).isprintable(), str(error)
        return False
    return True


def _functions() -> Iterator[FunctionType]:
    """The functions and methods of the package's loaded modules."""
    for name, module in list(sys.modules.items()):
        if name.startswith("fcnkit."):
            owned = [each for each in vars(module).values() if getattr(each, "__module__", None) == name]
            for each in owned:
                members = vars(each).values() if isinstance(each, type) else [each]
                yield from (member for member in members if isinstance(member, FunctionType))


def main() -> None:
    if len(sys.argv) == 1:
        print(*TARGETS)
        return
    import atheris

    target = TARGETS[sys.argv.pop(1)]
    corpus = Path(tempfile.mkdtemp(prefix="fcnkit-corpus-"))
    for index, data in enumerate(seeds(target.__name__)):
        (corpus / str(index)).write_bytes(data)
    # Only the package: all code in memory, torch's included, takes minutes.
    for function in _functions():
        atheris.instrument_func(function)
    atheris.Setup([*sys.argv, str(corpus)], lambda data: holds(target, data))
    atheris.Fuzz()


if __name__ == "__main__":
    main()
