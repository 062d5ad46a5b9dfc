"""What is fuzzed: each target takes bytes, and must end in a result or an FcnkitError.

`python tests/fuzz/targets.py NAME` runs a target under atheris (`make fuzz`); mutations.py runs all of them on
mutations of the golden files, test_structured.py on what hypothesis makes up.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from fcnkit import formats
from fcnkit.caffe import caffemodel, hdf5, prototxt
from fcnkit.errors import FcnkitError
from fcnkit.generation.upsampling import deconvolution
from fcnkit.net import CaffeNet, conversion
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


def seeds(name: str) -> list[bytes]:
    """What the mutations of a target start from."""
    if name == "generate":
        return [b"score", 'quote" brace } back\\slash\nnewline \u00fc'.encode(), bytes(range(256))]
    if name in ("read_safetensors", "read_pth", "read_npz"):
        path = _FOLDER / f"seed.{name.removeprefix('read_')}"
        formats.save(formats.load(_SEED / "net.caffemodel"), path)
        return [path.read_bytes()]
    pattern = {"read_caffemodel": "net.caffemodel", "read_prototxt": "*.prototxt", "read_hdf5": "*.h5"}[name]
    found = [path.read_bytes() for path in sorted(DATA.rglob(pattern))]
    return [data for data in found if len(data) < 30_000]


TARGETS: dict[str, Callable[[bytes], None]] = {
    target.__name__: target
    for target in (read_caffemodel, read_prototxt, read_hdf5, read_safetensors, read_pth, read_npz, generate)
}


def holds(target: Callable[[bytes], None], data: bytes) -> bool:
    """Run a target; whether it gave a result. Anything but a result or an FcnkitError is raised."""
    try:
        target(data)
    except FcnkitError as error:
        assert str(error).isprintable(), str(error)
        return False
    return True


def main() -> None:
    import atheris

    target = TARGETS[sys.argv.pop(1)]
    corpus = Path(tempfile.mkdtemp(prefix="fcnkit-corpus-"))
    for index, data in enumerate(seeds(target.__name__)):
        (corpus / str(index)).write_bytes(data)
    atheris.instrument_all()
    atheris.Setup([*sys.argv, str(corpus)], lambda data: holds(target, data))
    atheris.Fuzz()


if __name__ == "__main__":
    main()
