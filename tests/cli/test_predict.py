"""fcnkit predict, as its users run it."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import CliRunner, Result
from PIL import Image

import fcnkit
from fcnkit.caffe.preprocessing import Preprocessing
from fcnkit.cli import main

Run = Callable[[str], Result]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sample: Path, data: Path, examples: Path) -> Run:
    """Runs a command line in a folder that holds the sample model and images under the help's names."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "fcn8s.caffemodel").symlink_to(sample)
    (tmp_path / "deploy.prototxt").symlink_to(data / "shapes" / "deploy.prototxt")
    (tmp_path / "names.txt").write_text("background\ncircle\nsquare\ntriangle\n")
    photos = tmp_path / "photos"
    photos.mkdir()
    for index in range(6):
        shutil.copy(examples / f"image{index}.png", photos)
    return lambda line: CliRunner().invoke(main, shlex.split(line))


def labels(path: str | Path) -> np.ndarray:
    image = Image.open(path)
    assert image.mode == "P"
    return np.asarray(image)


def test_the_helps_examples_run(run: Run, examples: Path, run_examples: Callable[[str], list[Result]]) -> None:
    net = fcnkit.convert("fcn8s.caffemodel")
    fcnkit.save(net, "fcn8s.safetensors")
    fcnkit.save(net, "fcn8s.pth")
    shutil.copy(examples / "image5.png", "photo.jpg")
    assert len(run_examples("predict")) == 5
    for index in range(6):
        first = labels(f"labels/image{index}.png")
        assert np.array_equal(labels(f"predictions/image{index}.png"), first)
        assert np.array_equal(labels(f"tiled/image{index}.png"), first)
    assert sorted(path.name for path in Path("predictions").iterdir() if path.is_dir()) == ["heatmap-1", "scores"]


def test_a_crf_with_settings(run: Run, data: Path) -> None:
    """Its scores are probabilities; the defaults can be overridden one by one."""
    truth = np.asarray(Image.open(data / "shapes" / "label2.png"))
    right = {}
    for folder, option in {"plain": "", "deeplab": "--crf", "own": "--crf bi_w=6,max_iter=3"}.items():
        result = run(f"predict fcn8s.caffemodel photos/image2.png -o {folder} --scores {option}")
        assert result.exit_code == 0, result.output
        right[folder] = (labels(f"{folder}/image2.png") == truth)[truth < 4].mean()
    assert right["plain"] < min(right["deeplab"], right["own"])
    deeplab, own = (np.load(f"{folder}/scores/image2.npz")["score"] for folder in ("deeplab", "own"))
    assert np.allclose(deeplab.sum(0), 1, atol=1e-5)
    assert np.abs(deeplab - own).max() > 0.01


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        ("weight=3", "'weight=3' is not of the form bi_w=4 with one of max_iter, pos_w, pos_xy_std, bi_w, bi_xy_std"),
        ("bi_w=3,bi_xy_std=x", "'bi_xy_std=x' is not of the form bi_w=4 with one of max_iter, pos_w, "),
        ("max_iter=2.5", "'max_iter=2.5' is not of the form bi_w=4 with one of max_iter, pos_w, pos_xy_std, "),
    ],
)
def test_settings_that_a_crf_does_not_have(run: Run, settings: str, problem: str) -> None:
    result = run(f"predict fcn8s.caffemodel photos --crf {settings}")
    assert result.exit_code == 2
    assert f"Error: Invalid value for '--crf': {problem}" in result.output


def test_settings_of_a_crf_out_of_range(run: Run) -> None:
    result = run("predict fcn8s.caffemodel photos --crf bi_xy_std=0")
    assert result.exit_code == 1
    assert result.output == "Error: --crf: bi_xy_std must be positive\n"
    result = run("predict fcn8s.caffemodel photos/image3.png --crf bi_xy_std=1e-6,bi_rgb_std=1e-6")
    assert result.exit_code == 1
    assert "photos/image3.png: --crf: the points lie too far apart for their lattice; choose larger" in result.output


def test_predictions_equal_caffes_pictures(run: Run, data: Path) -> None:
    result = run("predict fcn8s.caffemodel photos --overlay --legend --heatmap circle --scores --classes names.txt")
    assert (result.exit_code, result.stdout, result.stderr) == (0, "6 images -> predictions\n", "")
    for index in range(6):
        found, expected = Image.open(f"predictions/image{index}.png"), Image.open(data / f"shapes/caffe{index}.png")
        assert np.array_equal(np.asarray(found), np.asarray(expected))
        assert np.array_equal(np.asarray(found.convert("RGB")), np.asarray(expected.convert("RGB")))
        score = np.load(data / "shapes" / f"caffe{index}.npz")["score"][0]
        saved = np.load(f"predictions/scores/image{index}.npz")["score"]
        assert np.abs(saved - score).max() < 1e-5 * np.abs(score).max()
        heat = np.exp(score - score.max(0))[1] / np.exp(score - score.max(0)).sum(0)
        assert np.abs(labels(f"predictions/heatmap-circle/image{index}.png") - 255 * heat).max() <= 0.51
        image, over = (
            np.asarray(Image.open(f"{folder}/image{index}.png")) for folder in ("photos", "predictions/overlay")
        )
        assert ((image != over[: image.shape[0], : image.shape[1]]).any(2) <= (np.asarray(found) > 0)).all()
        with Image.open(f"predictions/legend/image{index}.png") as picture:
            assert picture.height == 6 + 20 * len(np.unique(np.asarray(found)))
            # The legend stands beside the overlay too.
            assert np.array_equal(over[: picture.height, image.shape[1] :], np.asarray(picture))


def tree(folder: str) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in Path(folder).rglob("*") if path.is_file())


def test_subfolders_are_remarked_upon_and_read_on_request(run: Run, examples: Path) -> None:
    """Results lie in the same subfolders. Hidden folders, links and the results themselves are not read."""
    for name in ("b/c/image0.jpg", "b/image2.png", ".hidden/image3.png", "notes/image4.txt", "image0.png"):
        Path("tree", name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(examples / "image1.png", Path("tree", name))
    Path("tree/d").symlink_to("b")
    flat = run("predict fcn8s.caffemodel tree -o tree/results")
    assert flat.stdout.splitlines()[-1] == "1 image -> tree/results"
    assert flat.stderr == "tree: 1 subfolder with images left out; --recursive reads them too\n"
    assert tree("tree/results") == ["image0.png"]
    deep = run("predict fcn8s.caffemodel tree -o tree/results --recursive --force --overlay")
    assert (deep.stdout, deep.stderr) == ("3 images -> tree/results\n", "")
    names = ["b/c/image0.png", "b/image2.png", "image0.png"]
    assert tree("tree/results") == [*names[:2], names[2], *(f"overlay/{name}" for name in names)]
    os.unlink("tree/image0.png")
    result = run("predict fcn8s.caffemodel tree -o tree/results")
    assert result.stderr == "Error: tree: contains no image, except in 1 subfolder; give --recursive\n"


def test_a_subfolder_with_the_name_of_a_kind_of_result(run: Run) -> None:
    Path("tree/overlay").mkdir(parents=True)
    shutil.copy("photos/image0.png", "tree")
    shutil.copy("photos/image0.png", "tree/overlay")
    result = run("predict fcn8s.caffemodel tree --recursive --overlay")
    assert result.stderr == (
        "Error: predictions/overlay/image0.png: would be written for 'tree/image0.png' and for "
        "'tree/overlay/image0.png'\n"
    )
    assert not Path("predictions").exists()


def test_an_interrupted_job_is_resumed(run: Run) -> None:
    line = "predict fcn8s.caffemodel photos --skip-existing"
    assert run(f"{line} --overlay").stdout == "6 images -> predictions\n"
    for name in ("image2.png", "overlay/image3.png"):
        Path("predictions", name).unlink()
    Path("predictions/image3.png").write_bytes(b"mine")
    assert run(f"{line} --overlay").stdout == "2 images -> predictions, 4 skipped\n"
    assert Path("predictions/image3.png").read_bytes() == b"mine"
    assert Path("predictions/overlay/image3.png").exists()
    assert Path("predictions/image2.png").exists()
    assert run(line).stdout == "0 images -> predictions, 6 skipped\n"
    result = run(f"{line} --force")
    assert (result.exit_code, "--skip-existing and --force exclude each other" in result.stderr) == (2, True)


def test_images_of_one_stem_are_named_apart(run: Run) -> None:
    Path("same").mkdir()
    for name in ("same.jpg", "same.png", "same.jpg.png", "other.png"):
        shutil.copy("photos/image0.png", Path("same", name))
    assert run("predict fcn8s.caffemodel same --scores").exit_code == 0
    names = ["other", "same.jpg", "same.jpg.png", "same.png"]
    # The stem of same.jpg.png is same.jpg, the name that same.jpg gets.
    assert sorted(path.name[:-4] for path in Path("predictions").glob("*.png")) == names
    assert sorted(path.stem for path in Path("predictions/scores").iterdir()) == names


def test_the_overlays_opacity_and_contours(run: Run) -> None:
    line = "predict fcn8s.caffemodel photos/image5.png --overlay"
    assert run(f"{line} --opacity 0 --contours").exit_code == 0
    assert run(f"{line} --opacity 1 -o full").exit_code == 0
    found = labels("predictions/image5.png")
    image, lines, full = (
        np.asarray(Image.open(path))
        for path in ("photos/image5.png", "predictions/overlay/image5.png", "full/overlay/image5.png")
    )
    assert np.array_equal(full[found == 0], image[found == 0])
    assert np.array_equal(full[found == 1], np.broadcast_to([128, 0, 0], (np.sum(found == 1), 3)))
    padded = np.pad(found, 1, mode="edge")
    near = [padded[1:-1, :-2], padded[1:-1, 2:], padded[:-2, 1:-1], padded[2:, 1:-1]]
    border = np.any([found != other for other in near], axis=0) & (found > 0)
    assert 0 < border.sum() < (found > 0).sum()
    assert np.array_equal(lines[border], full[border])
    assert np.array_equal(lines[~border], image[~border])
    result = run("predict fcn8s.caffemodel photos/image5.png --contours")
    assert (result.exit_code, "--opacity and --contours need --overlay" in result.stderr) == (2, True)


def test_one_image_tells_what_is_in_it(run: Run) -> None:
    result = run("predict fcn8s.caffemodel photos/image5.png --classes names.txt -o out/deep")
    first, last = result.stdout.splitlines()
    assert first.startswith("photos/image5.png: background ")
    assert last == "1 image -> out/deep"


def test_weights_of_every_kind(run: Run, data: Path) -> None:
    fcnkit.save(fcnkit.convert("fcn8s.caffemodel"), "a.pth")
    line = "predict a.pth photos/image0.png --prototxt deploy.prototxt"
    assert run(f"{line} --mean 104.00699,116.66877,122.67892").exit_code == 0
    assert np.array_equal(labels("predictions/image0.png"), np.asarray(Image.open(data / "shapes/caffe0.png")))
    assert run(f"{line} --mean 0 -o other").exit_code == 0
    assert not np.array_equal(labels("predictions/image0.png"), labels("other/image0.png"))
    assert run(f"{line} --mean 0 --rgb -o rgb").exit_code == 0


def test_a_palette_of_ones_own(run: Run) -> None:
    Path("p.txt").write_text("9 9 9\n1 2 3\n4 5 6\n7 8 9\n")
    assert run("predict fcn8s.caffemodel photos/image0.png --palette p.txt").exit_code == 0
    found = Image.open("predictions/image0.png")
    assert np.array_equal(np.asarray(found.convert("RGB"))[np.asarray(found) == 3][0], [7, 8, 9])
    Path("short.txt").write_text("9 9 9\n")
    result = run("predict fcn8s.caffemodel photos/image0.png --palette short.txt --force")
    assert result.stderr == "Error: the palette has 1 colours for 4 classes\n"


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("none.caffemodel photos", "none.caffemodel: cannot be read: No such file or directory"),
        ("deploy.prototxt photos", "deploy.prototxt: has no weights"),
        ("fcn8s.caffemodel none", "none: there is no such image or folder"),
        ("fcn8s.caffemodel photos --device cuda:99", "there is no device 'cuda:99' here, only cpu"),
        ("fcn8s.caffemodel photos --classes voc", "voc: names 21 classes; the net has 4"),
        ("fcn8s.caffemodel photos --heatmap 4", "there is no class '4'; the classes are class 0, "),
        ("fcn8s.caffemodel photos --blob x", "fcn8s.caffemodel: the net has no output 'x'; it has score"),
        ("fcn8s.caffemodel photos --mean 1,2", "fcn8s.caffemodel: the mean has 2 numbers; the net reads 3 channels"),
        ("fcn8s.caffemodel photos -o names.txt", "names.txt: cannot be created as a folder: File exists"),
        ("fcn8s.caffemodel photos -o photos --force", "photos/image0.png: is an image to read, "),
        ("fcn8s.caffemodel photos copy/image0.png", "copy/image0.png: has the same name as 'photos/image0.png'; "),
        ("fcn8s.caffemodel photos -o copy", "copy/image0.png: exists; replace it with --force"),
    ],
)  # fmt: skip
def test_a_users_mistake_is_one_line_before_any_work(run: Run, line: str, message: str) -> None:
    Path("copy").mkdir()
    shutil.copy("photos/image1.png", "copy/image0.png")
    before = sorted(map(str, Path().rglob("*")))
    result = run(f"predict {line}")
    assert result.exit_code == 1
    assert result.stderr.startswith(f"Error: {message}")
    assert (result.stderr.count("\n"), result.stdout) == (1, "")
    assert sorted(map(str, Path().rglob("*"))) == before


def test_a_malformed_mean_is_a_usage_error(run: Run) -> None:
    result = run("predict fcn8s.caffemodel photos --mean 1,x")
    assert (result.exit_code, "'1,x' is not of the form 104.0,116.7,122.7" in result.stderr) == (2, True)


def test_parts_as_large_as_memory_allows(run: Run) -> None:
    """A smaller budget means bands, tiles without prepared weights, and the same labels."""
    image = Image.open("photos/image4.png").convert("RGB")
    image.resize((900, 300)).save("large.png")
    line = "predict fcn8s.caffemodel large.png --tile auto"
    assert run(f"{line} -o whole --memory 1GB").stderr == ""
    for folder, options, parts in (
        ("high", "--memory 32MB", "3 bands of up to 150 rows, about 1.0 x"),
        ("low", "--memory 9MB", "9 bands of up to 60 rows, about 1.1 x"),
        ("plain", "--plain --memory 42MB", "5 tiles of up to 300 x 631, about 2.9 x"),
    ):
        result = run(f"{line} -o {folder} {options}")
        assert result.stderr == f"300 x 900 pixels in {parts} the work of an untiled run\n"
        assert np.array_equal(labels(f"{folder}/large.png"), labels("whole/large.png"))
    result = run(f"{line} -o none --memory 1MB")
    assert result.exit_code == 1
    assert result.stderr.startswith("Error: large.png: 300 x 900 pixels need ")
    assert (
        "and the limit is 1 MB, as given; tiles need more than that too: raise it with --memory SIZE\n" in result.stderr
    )
    for value, option in (("4XB", "memory"), ("0GB", "memory"), ("none", "tile"), ("0", "tile")):
        result = run(f"predict fcn8s.caffemodel large.png --{option} {value}")
        assert (result.exit_code, f"Invalid value for '--{option}': '{value}' is " in result.stderr) == (2, True)


def test_a_net_that_tiles_cannot_run_says_why(run: Run) -> None:
    text = Path("deploy.prototxt").read_text()
    Path("mvn.prototxt").write_text(text + 'layer { name: "m" type: "MVN" bottom: "score" top: "m" }')
    result = run("predict fcn8s.caffemodel photos --prototxt mvn.prototxt --tile 64")
    assert result.stderr == (
        "Error: fcn8s.caffemodel: layer 'm' (MVN) takes its statistics from the whole image; run it without tiles\n"
    )
    line = "predict fcn8s.caffemodel photos/image0.png --prototxt mvn.prototxt --tile auto"
    assert run(line).exit_code == 0
    assert re.match(
        r"Error: photos/image0.png: 96 x 112 pixels need 6 MB, and the limit is 2 MB, as given; layer 'm' \(MVN\) "
        r"takes its statistics from the whole image\n",
        run(f"{line} --memory 2MB --force").stderr,
    )


def many(folder: Path, count: int, size: tuple[int, int] = (24, 32)) -> None:
    folder.mkdir()
    random = np.random.default_rng(0)
    for index in range(count):
        shape = size if index % 3 else size[::-1]
        Image.fromarray(random.integers(0, 256, (*shape, 3), np.uint8)).save(folder / f"{index:04}.png")


def tiny(path: str) -> None:
    """A net that is quick to run: the brighter of blue and green."""
    net = fcnkit.CaffeNet("""
        layer { name: "data" type: "Input" top: "data" input_param { shape { dim: 1 dim: 3 dim: 8 dim: 8 } } }
        layer { name: "score" type: "Convolution" bottom: "data" top: "score"
                convolution_param { num_output: 2 kernel_size: 3 pad: 1 } }""")
    with torch.no_grad():
        net.score.weight.normal_(generator=torch.Generator().manual_seed(0))
    net.preprocessing = {"data": Preprocessing("BGR")}
    fcnkit.save(net, path)


def test_two_hundred_images_three_of_them_broken(run: Run) -> None:
    tiny("tiny.safetensors")
    many(Path("many"), 200)
    Path("many/0005.png").write_bytes(b"no image")
    Path("many/0100.png").write_bytes(Path("many/0101.png").read_bytes()[:300])
    Path("many/0199.png").write_bytes(b"")
    result = run("predict tiny.safetensors many --batch 8")
    assert (result.exit_code, result.stdout) == (1, "197 images -> predictions\n")
    lines = sorted(result.stderr.splitlines())
    assert [line.split(":")[1].strip() for line in lines] == [
        "3 of 200 images could not be segmented", "many/0005.png", "many/0100.png", "many/0199.png"
    ]  # fmt: skip
    assert all(" image" in line and " read" in line for line in lines[1:])
    assert len(list(Path("predictions").iterdir())) == 197
    shutil.rmtree("predictions")
    assert run("predict tiny.safetensors many -o single").exit_code == 1


def test_two_processes_do_each_image_once_and_equal_one(run: Run) -> None:
    tiny("tiny.safetensors")
    many(Path("many"), 30)
    assert run("predict tiny.safetensors many -o one").exit_code == 0
    Path("many/0005.png").write_bytes(b"no image")
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "OMP_NUM_THREADS": "1"}
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", "-m", "fcnkit"]
    line = "predict tiny.safetensors many -o two"
    result = subprocess.run([*torchrun, *line.split()], env=environment, capture_output=True, text=True)
    assert result.returncode == 1
    assert result.stdout == "29 images -> two\n"
    assert result.stderr.count("many/0005.png: is not an image, or is damaged") == 1
    assert result.stderr.count("Error: 1 of 30 images could not be segmented") == 1
    names = sorted(path.name for path in Path("one").iterdir())
    assert sorted(path.name for path in Path("two").iterdir()) == [name for name in names if name != "0005.png"]
    for path in Path("two").iterdir():
        assert path.read_bytes() == Path("one", path.name).read_bytes()


@pytest.mark.skipif(sys.platform == "win32", reason="there are no pseudo-terminals")
def test_a_terminal_shows_a_bar_and_errors_above_it(run: Run) -> None:
    import pty

    Path("photos/image3.png").write_bytes(b"no image")
    reader, terminal = pty.openpty()
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "COLUMNS": "100", "TERM": "xterm"}
    command = [sys.executable, "-m", "fcnkit", "predict", "fcn8s.caffemodel", "photos"]
    process = subprocess.Popen(command, stdin=terminal, stdout=subprocess.PIPE, stderr=terminal, env=environment)
    os.close(terminal)
    shown = b""
    try:
        while chunk := os.read(reader, 65536):
            shown += chunk
    except OSError:  # so Linux says that the other side is closed
        pass
    os.close(reader)
    output, _ = process.communicate()
    assert (process.returncode, output) == (1, b"5 images -> predictions\n")
    text = shown.decode()
    assert "\x1b[2KError: photos/image3.png: is not an image, or is damaged" in text
    assert "Segmenting" in text
    assert "6/6" in text
    assert "images/s" in text


def test_the_largest_image_can_be_chosen(run: Run) -> None:
    tiny("tiny.safetensors")
    Image.new("RGB", (20, 30)).save("a.png")
    refused = run("predict tiny.safetensors a.png --max-pixels 599")
    assert refused.exit_code == 1
    message = "Error: a.png: has 30 x 20 pixels, more than the limit of 599; raise it with --max-pixels N\n"
    assert refused.stderr.startswith(message)
    assert run("predict tiny.safetensors a.png --max-pixels 600").exit_code == 0


@pytest.mark.parametrize("size", ["30000,30000", "9000,9000"])
def test_an_image_that_memory_has_no_room_for(run: Run, size: str) -> None:
    """One line says so, whether the pixels do not fit or what the net makes of them."""
    tiny("tiny.safetensors")
    width, height = map(int, size.split(","))
    Image.new("1", (width, height)).save("a.png")
    # Enough for torch and the image alone.
    limited = f"import resource; resource.setrlimit(resource.RLIMIT_AS, ({3 * 2**30},) * 2)"
    limited += "; from fcnkit.cli import run; run()"
    line = "predict tiny.safetensors a.png --max-pixels 2000000000"
    done = subprocess.run([sys.executable, "-c", limited, *line.split()], capture_output=True, text=True)
    assert done.returncode == 1
    message, total = done.stderr.splitlines()
    assert "more" in message
    assert "llocat" not in message
    assert total == "Error: 1 of 1 images could not be segmented"
