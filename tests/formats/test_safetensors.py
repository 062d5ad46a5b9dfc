"""The writer of .safetensors beside the library's own, and weights that go from file to file."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

import fcnkit
from fcnkit import formats
from fcnkit.errors import OutputError
from fcnkit.formats import safetensors
from fcnkit.net import conversion
from tests.formats.sparse import sparse

STATE = {
    "b.weight": torch.randn(3, 4),
    "a": torch.arange(5),
    'quote" \\ \n \u00fc \u65e5': torch.tensor(2.5, dtype=torch.float64),
    "none": torch.empty(0, 3),
    "half": torch.randn(3).half(),
    "brain": torch.randn(2, 2).bfloat16(),
    "flags": torch.tensor([True, False, True]),
    "bytes": torch.arange(7, dtype=torch.uint8),
    "small": torch.randn(4).to(torch.float8_e4m3fn),
    "complex": torch.randn(2, dtype=torch.complex64),
    "turned": torch.randn(4, 6).T,
}


@pytest.mark.parametrize("metadata", [None, {"definition": 'name: "n\u00e4me"\n'}])
def test_files_are_the_librarys_byte_for_byte(tmp_path: Path, metadata: dict[str, str] | None) -> None:
    safetensors.write(tmp_path / "ours", STATE, metadata)
    save_file({name: tensor.contiguous() for name, tensor in STATE.items()}, tmp_path / "theirs", metadata)
    assert (tmp_path / "ours").read_bytes() == (tmp_path / "theirs").read_bytes()


def test_types_that_the_format_lacks_are_named(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match=r"cannot store 'z': .safetensors has no values of type torch.complex128"):
        safetensors.write(tmp_path / "net", {"z": torch.zeros(2, dtype=torch.complex128)}, None)


def test_a_header_that_no_reader_takes_is_not_written(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match=r"names and definition take 100,000,0.. bytes; .* has at most 100,000,000"):
        safetensors.write(tmp_path / "net", {}, {"prototxt": "x" * 100_000_000})
    assert not (tmp_path / "net").exists()


def test_a_view_that_is_turned_is_written_as_it_is(sample: Path, tmp_path: Path) -> None:
    net = conversion.build(sample, None, None, mapped=True)
    turned = {"fc6": net.state_dict()["fc6.weight"].flatten(1).T}
    safetensors.write(tmp_path / "net", turned, None, mapped=True)
    assert torch.equal(load_file(tmp_path / "net")["fc6"], turned["fc6"])


@pytest.mark.parametrize("replaced", [False, True])
def test_weights_from_file_to_file(sample: Path, tmp_path: Path, replaced: bool) -> None:
    source, target = tmp_path / "net.caffemodel", tmp_path / "net.safetensors"
    shutil.copy(sample, source)
    net = conversion.build(source, None, None, mapped=True)
    if replaced:
        # A new file under the old name is not the one that was read.
        (tmp_path / "other").write_bytes(bytes(source.stat().st_size))
        os.replace(tmp_path / "other", source)
    formats.save(net, target)
    found, expected = fcnkit.load(target).state_dict(), fcnkit.convert(sample).state_dict()
    assert all(torch.equal(found[name], expected[name]) for name in expected)


def test_what_was_changed_in_memory_is_written(sample: Path, tmp_path: Path) -> None:
    net = fcnkit.convert(sample)
    with torch.no_grad():
        net.get_submodule("fc6").weight.zero_()
    fcnkit.save(net, tmp_path / "net.safetensors")
    assert not load_file(tmp_path / "net.safetensors")["fc6.weight"].any()


def test_a_source_that_is_cut_short_meanwhile(sample: Path, tmp_path: Path) -> None:
    source, target = tmp_path / "net.caffemodel", tmp_path / "net.safetensors"
    shutil.copy(sample, source)
    net = conversion.build(source, None, None, mapped=True)
    os.truncate(source, 100_000)
    with pytest.raises(OutputError, match=f"^{target}: cannot be written: the file it is made from was cut short"):
        formats.save(net, target)
    assert list(tmp_path.iterdir()) == [source]


PEAK = """
import sys
from pathlib import Path
from fcnkit.cli import main
main(sys.argv[1:], standalone_mode=False)
status = Path("/proc/self/status").read_text().splitlines()
print("peak", next(line.split()[1] for line in status if line.startswith("VmHWM")))
"""


@pytest.mark.stress
@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_three_gigabytes_take_no_memory(tmp_path: Path) -> None:
    """More than Caffe and protobuf can read, and still written layer by layer."""
    if shutil.disk_usage(tmp_path).free < 6 * 10**9:
        pytest.skip("needs 6 GB of room")
    source, target, peaks = tmp_path / "net.caffemodel", tmp_path / "net.safetensors", []
    for channels in (8, 10_240):
        sparse(source, channels, 8)
        command = [sys.executable, "-c", PEAK, "convert", str(source), "-o", str(target), "--force"]
        printed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        peaks.append(1024 * int(printed.split()[-1]))
    layer = 4 * channels**2
    assert source.stat().st_size > 8 * layer > 3 * 10**9
    with target.open("rb") as file:
        header = int.from_bytes(file.read(8), "little")
    assert target.stat().st_size == 8 + header + 8 * layer
    target.unlink()
    assert peaks[1] - peaks[0] < 0.1 * layer
