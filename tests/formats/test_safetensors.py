"""The writer of .safetensors beside the library's own, and weights that go from file to file."""

from __future__ import annotations

import copy
import os
import pickle
import shutil
import subprocess
import sys
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

import fcnkit
from fcnkit import formats
from fcnkit.errors import OutputError
from fcnkit.formats import safetensors
from fcnkit.simplification import simplify
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
    net = fcnkit.load(sample, mapped=True)
    turned = {"fc6": net.state_dict()["fc6.weight"].flatten(1).T}
    safetensors.write(tmp_path / "net", turned, None, {"fc6": net.places["fc6.weight"]})
    assert torch.equal(load_file(tmp_path / "net")["fc6"], turned["fc6"])


@pytest.mark.parametrize("replaced", [False, True])
def test_weights_from_file_to_file(sample: Path, tmp_path: Path, replaced: bool) -> None:
    source, target = tmp_path / "net.caffemodel", tmp_path / "net.safetensors"
    shutil.copy(sample, source)
    net = fcnkit.load(source, mapped=True)
    if replaced:
        # A new file under the old name is not the one that was read.
        (tmp_path / "other").write_bytes(bytes(source.stat().st_size))
        os.replace(tmp_path / "other", source)
    formats.save(net, target)
    found, expected = fcnkit.load(target).state_dict(), fcnkit.convert(sample).state_dict()
    assert all(torch.equal(found[name], expected[name]) for name in expected)


def zero_in_place(net: fcnkit.CaffeNet) -> None:
    with torch.no_grad():
        net.fc6.weight.zero_()


def zero_data(net: fcnkit.CaffeNet) -> None:
    net.fc6.weight.data.zero_()  # which torch's own counter of versions does not see


def zero_array(net: fcnkit.CaffeNet) -> None:
    net.fc6.weight.detach().numpy()[:] = 0


def zero_one_page(net: fcnkit.CaffeNet) -> None:
    """A few values in the midst, which lie in one page of a chunk that is otherwise untouched."""
    net.fc6.weight.detach().numpy().reshape(-1)[100_000:100_010] = 0


def replace_data(net: fcnkit.CaffeNet) -> None:
    net.fc6.weight.data = torch.zeros_like(net.fc6.weight)


def replace_parameter(net: fcnkit.CaffeNet) -> None:
    net.fc6.weight = torch.nn.Parameter(torch.zeros_like(net.fc6.weight))


def load_state(net: fcnkit.CaffeNet) -> None:
    net.load_state_dict({name: torch.zeros_like(tensor) for name, tensor in net.state_dict().items()})


def assign_state(net: fcnkit.CaffeNet) -> None:
    net.load_state_dict({name: torch.zeros_like(tensor) for name, tensor in net.state_dict().items()}, assign=True)


def step(net: fcnkit.CaffeNet) -> None:
    net.fc6.weight.grad = torch.ones_like(net.fc6.weight)
    torch.optim.SGD([net.fc6.weight], 1.0).step()


def halve(net: fcnkit.CaffeNet) -> None:
    net.half()


def there_and_back(net: fcnkit.CaffeNet) -> None:
    net.half().float()


def share(net: fcnkit.CaffeNet) -> None:
    net.share_memory()
    net.fc6.weight.data.zero_()


CHANGES = [
    zero_in_place, zero_data, zero_array, zero_one_page, replace_data, replace_parameter, load_state, assign_state,
    step, halve, there_and_back, share,
]  # fmt: skip


@pytest.mark.parametrize(
    ("change", "simplified", "pagemap"),
    [
        *((change, False, True) for change in CHANGES),
        *((change, True, True) for change in (zero_data, zero_array, step)),
        *((change, False, False) for change in (zero_data, zero_array, zero_one_page)),  # as on other systems
    ],
)
def test_weights_that_were_changed_are_written_as_changed(
    sample: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: Callable, simplified: bool, pagemap: bool
) -> None:
    if not pagemap:
        monkeypatch.setattr("fcnkit.mapped._pagemap", nullcontext)
    net = fcnkit.load(sample, mapped=True)
    if simplified:
        net = simplify(net, mapped=True).net
    assert net.places["fc6.weight"].address == net.fc6.weight.data_ptr()
    before = net.fc6.weight.detach().clone()
    change(net)
    expected = net.fc6.weight.detach().clone()
    assert not torch.equal(expected, before)
    fcnkit.save(net, tmp_path / "net.safetensors")
    assert torch.equal(load_file(tmp_path / "net.safetensors")["fc6.weight"], expected)
    assert torch.equal(fcnkit.load(sample, mapped=True).fc6.weight, before)  # the file itself stays


def test_a_copy_of_a_net_has_weights_of_its_own(sample: Path, tmp_path: Path) -> None:
    net = fcnkit.load(sample, mapped=True)
    for twin in (copy.deepcopy(net), pickle.loads(pickle.dumps(net))):
        twin.fc6.weight.data.zero_()
        fcnkit.save(twin, tmp_path / "net.safetensors")
        assert not load_file(tmp_path / "net.safetensors")["fc6.weight"].any()
        assert net.fc6.weight.any()


def test_a_source_that_is_cut_short_meanwhile(sample: Path, tmp_path: Path) -> None:
    source, target = tmp_path / "net.caffemodel", tmp_path / "net.safetensors"
    shutil.copy(sample, source)
    net = fcnkit.load(source, mapped=True)
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
