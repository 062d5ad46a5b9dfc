"""Files that lie, hands that interrupt, disks that are full: a result or one clear error, and whole files only."""

from __future__ import annotations

import json
import multiprocessing
import resource
import shlex
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from click.testing import CliRunner

import fcnkit
from fcnkit import formats
from fcnkit.caffe import caffemodel, prototxt, wire
from fcnkit.cli import main
from fcnkit.errors import DefinitionError, FcnkitError, FileFormatError, OutputError

INPUT = 'layer { name: "in" type: "Input" top: "x" input_param { shape { dim: 1 dim: 3 dim: 8 dim: 10 } } }'


@pytest.mark.parametrize(
    ("layer", "words"),
    [
        ('type: "Convolution" convolution_param { num_output: 4 kernel_size: 1000000000 pad: 1000000000 }', "overflow"),
        ('type: "Convolution" convolution_param { num_output: 4000000000 kernel_size: 1 }', "its weight would have"),
        ('type: "Deconvolution" convolution_param { num_output: 1 kernel_size: 1 stride: 1000000000 }', "its top 'y'"),
        ('type: "InnerProduct" inner_product_param { num_output: 4000000000 }', "its weight would have the shape"),
        ('type: "Pooling" pooling_param { kernel_size: 1000000000 pad: 999999999 }', "overflow"),
        ('type: "Tile" tile_param { tiles: 2000000000 }', r"its top 'y' would have the shape \(1, 6000000000, 8, 10\)"),
        ('type: "Embed" embed_param { input_dim: 2000000000 num_output: 1000000 }', "memory|too large"),
    ],
)  # fmt: skip
def test_sizes_beyond_reason_are_refused_before_memory_is_taken(layer: str, words: str) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(DefinitionError, match=f"layer 'l'.*({words})"):
        fcnkit.CaffeNet(f'{INPUT} layer {{ name: "l" bottom: "x" top: "y" {layer} }}')
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 200 * 1024


@pytest.mark.parametrize("dim", [-8, 10**12])
def test_inputs_beyond_reason(dim: int) -> None:
    with pytest.raises(DefinitionError, match=rf"input 'x' would have the shape \(1, 3, {dim}, 10\); a blob"):
        fcnkit.CaffeNet(INPUT.replace("dim: 8", f"dim: {dim}"))


def test_a_claim_of_ten_gigabytes_in_a_small_file(tmp_path: Path) -> None:
    path = tmp_path / "net.caffemodel"
    blob = wire.header(5, 10 * 2**30) + b"\0" * 10_000
    layer = wire.header(7, len(blob)) + blob
    path.write_bytes(wire.header(100, len(layer)) + layer)
    with pytest.raises(FileFormatError, match=f"needs {10 * 2**30} bytes, 10000 are left"):
        caffemodel.read(path)


def test_messages_nested_beyond_protobufs_depth(tmp_path: Path) -> None:
    inner = b""
    for _ in range(300):
        inner = wire.encode_varint(77 << 3 | 3) + inner + wire.encode_varint(77 << 3 | 4)
    path = tmp_path / "net.caffemodel"
    path.write_bytes(wire.header(100, len(inner)) + inner)
    with pytest.raises(FileFormatError, match="is "):
        caffemodel.read(path)
    with pytest.raises(FcnkitError, match="line 1, column"):
        prototxt.parse("layer { include {" * 5000)


def test_a_name_of_a_megabyte_does_not_fill_the_screen() -> None:
    name = "x" * 10**6
    with pytest.raises(DefinitionError) as caught:
        fcnkit.CaffeNet(f'{INPUT} layer {{ name: "{name}" type: "ReLU" bottom: "{name}" top: "y" }}')
    assert len(str(caught.value)) < 11_000
    fine = fcnkit.CaffeNet(f'{INPUT} layer {{ name: "{name}" type: "ReLU" bottom: "x" top: "{name}" }}')
    assert fine.outputs == (name,)


@pytest.mark.stress
@pytest.mark.parametrize("chain", [True, False])
def test_a_net_of_a_hundred_thousand_layers(tmp_path: Path, chain: bool) -> None:
    """One behind the other, or all on one blob: what takes much longer than the layers takes for ever here."""
    net = prototxt.parse(INPUT)
    for index in range(100_000):
        net.layer.add(name=f"r{index}", type="ReLU", bottom=[net.layer[-1].top[0] if chain else "x"], top=[f"y{index}"])
    caffemodel.write(tmp_path / "net.caffemodel", net, {})
    converted = fcnkit.convert(tmp_path / "net.caffemodel")
    assert (len(converted.steps), len(converted.outputs)) == (100_000, 1 if chain else 100_000)


@pytest.mark.parametrize("command", [["summary"], ["convert", "-o", "net.npz", "--prototxt"], ["offsets"]])
def test_names_give_no_commands_to_the_terminal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: list[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("net.prototxt").write_text('name: "a\\033[2Jb"' + INPUT.replace('"x"', '"x\\033[31m\\r"'))
    with Path("net.prototxt").open("a") as file:
        file.write('layer { name: "\\007" type: "ReLU" bottom: "x\\033[31m\\r" top: "x\\033[31m\\r" }')
    done = CliRunner().invoke(main, [*command, "net.prototxt"])
    assert done.exit_code == 0
    assert all(line.isprintable() for line in done.output.split("\n"))


def test_safetensors_with_endless_metadata(tmp_path: Path) -> None:
    path = tmp_path / "net.safetensors"
    path.write_bytes((200 * 10**6).to_bytes(8, "little") + b"{" * 1000)
    with pytest.raises(FileFormatError, match=r"is not a safetensors file, or is damaged: .*header"):
        fcnkit.load(path)


@pytest.mark.parametrize("suffix", [".safetensors", ".pth", ".caffemodel"])
def test_a_full_disk(sample: Path, tmp_path: Path, suffix: str) -> None:
    """A limit on the size of files stands for the disk: writing beyond it fails likewise."""
    net = fcnkit.convert(sample)
    target = tmp_path / f"net{suffix}"
    target.write_text("old")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, hard))
    try:
        with pytest.raises(OutputError, match=rf"^{target}: cannot be written: .+"):
            fcnkit.save(net, target)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert target.read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]


def _mounted(folder: Path, options: str, script: str) -> subprocess.CompletedProcess[str]:
    """Run a shell script while a file system of its own, in memory, is mounted at folder for it alone."""
    command = f"mount -t tmpfs -o {options} none '{folder}' && echo mounted >&2 || exit 99\n{script}"
    try:
        done = subprocess.run(["unshare", "-rm", "sh", "-c", command], capture_output=True, text=True)
    except FileNotFoundError:
        pytest.skip("needs unshare, of Linux")
    if not done.stderr.startswith("mounted"):
        pytest.skip("needs user namespaces")
    return done


# Converts in a folder that has no room for it, over an old file: what became of that, and what the command wrote.
NO_ROOM = """
import json, sys
from pathlib import Path
from click.testing import CliRunner
from fcnkit.cli import main
source, folder, *suffixes = sys.argv[1:]
for suffix in suffixes:
    target, old = Path(folder) / f"net{suffix}", bytes(8192 if suffix in (".prototxt", ".py") else 100_000)
    target.write_bytes(old)
    done = CliRunner().invoke(main, ["convert", source, "-o", str(target), "--force"])
    there = [path.name for path in Path(folder).iterdir()]
    print(json.dumps([suffix, done.exit_code, there, target.read_bytes() == old, done.stderr]))
    target.unlink()
"""


@pytest.mark.parametrize("small", [True, False])
def test_a_disk_that_is_full(tmp_path: Path, small: bool) -> None:
    """Half a megabyte for weights of two, or 12 kB for a definition of 20; the old file takes a part of it."""
    source, folder = tmp_path / "net.caffemodel", tmp_path / "full"
    folder.mkdir()
    layers = ['type: "InnerProduct" bottom: "x" top: "y" inner_product_param { num_output: 2000 }']
    if small:
        layers = ['type: "ReLU" bottom: "x" top: "x"'] * 200
    text = "".join(f'layer {{ name: "layer{index}" {layer} }}' for index, layer in enumerate(layers))
    fcnkit.save(fcnkit.CaffeNet(INPUT + text), source)
    suffixes = [suffix for suffix in formats.suffixes() if (suffix in (".prototxt", ".py")) == small]
    command = shlex.join([sys.executable, "-c", NO_ROOM, str(source), str(folder), *suffixes])
    done = _mounted(folder, "size=12k" if small else "size=512k", command)
    found = {suffix: rest for suffix, *rest in map(json.loads, done.stdout.splitlines())}
    assert found.keys() == set(suffixes), done.stderr
    for suffix, (status, there, kept, message) in found.items():
        assert (status, there, kept) == (1, [f"net{suffix}"], True)
        assert message.startswith(f"Error: {folder}/net{suffix}: cannot be written: ")
        assert message.count("\n") == 1


def test_a_folder_that_cannot_be_written_to(sample: Path, tmp_path: Path) -> None:
    script = f"'{sys.executable}' -m fcnkit convert '{sample}' -o '{tmp_path}/net.safetensors'; echo $?"
    done = _mounted(tmp_path, "ro", script)
    assert done.stdout == "1\n"
    expected = f"Error: {tmp_path}/net.safetensors: cannot be written: Read-only file system\n"
    assert done.stderr == f"mounted\n{expected}"


SLOW = """
import sys, time
from fcnkit.formats import saving
from fcnkit.__main__ import run
from contextlib import contextmanager
write = saving.writing
@contextmanager
def slowly(*arguments):
    with write(*arguments) as partial:
        partial.write_bytes(b"half")
        print("writing", flush=True)
        time.sleep(30)
        yield partial
saving.writing = slowly
run()
"""


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGKILL, -9)])
def test_an_interrupted_conversion(sample: Path, tmp_path: Path, number: int, status: int) -> None:
    target = tmp_path / "net.safetensors"
    target.write_text("old")
    command = [sys.executable, "-c", SLOW, "convert", str(sample), "-o", str(target), "--force"]
    # What runs in the background, a CI say, ignores SIGINT, and so would what it starts.
    with subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "writing\n"
        process.send_signal(number)
        _, errors = process.communicate()
    assert process.returncode == status
    assert "Traceback" not in errors
    assert target.read_text() == "old"
    if number != signal.SIGKILL:
        assert list(tmp_path.iterdir()) == [target]


def test_the_output_may_be_the_input(sample: Path, tmp_path: Path) -> None:
    path = tmp_path / "net.caffemodel"
    path.write_bytes(sample.read_bytes())
    expected = fcnkit.convert(sample).state_dict()
    assert CliRunner().invoke(main, ["convert", str(path), "-o", str(path)]).exit_code == 1
    assert path.read_bytes() == sample.read_bytes()
    assert CliRunner().invoke(main, ["convert", str(path), "-o", str(path), "--force"]).exit_code == 0
    found = fcnkit.load(path).state_dict()
    assert all(torch.equal(found[name], expected[name]) for name in expected)


def _convert(source: Path, target: Path) -> None:
    torch.set_num_threads(1)
    fcnkit.save(fcnkit.convert(source), target)


@pytest.mark.stress
@pytest.mark.parametrize("same", [False, True])
def test_ten_conversions_at_once(sample: Path, tmp_path: Path, same: bool) -> None:
    context = multiprocessing.get_context("spawn")
    targets = [tmp_path / f"net{0 if same else index}.safetensors" for index in range(10)]
    processes = [context.Process(target=_convert, args=(sample, target)) for target in targets]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0] * 10
    assert sorted(tmp_path.iterdir()) == sorted(set(targets))
    expected = fcnkit.convert(sample).state_dict()
    for target in set(targets):
        found = fcnkit.load(target).state_dict()
        assert all(torch.equal(found[name], expected[name]) for name in expected)
