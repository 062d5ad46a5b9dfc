"""Convert the sample model, segment the sample images with it, and score the result: as commands, shown as they run."""

import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TRUTH = ROOT / "tests" / "data" / "shapes"


def run(line: str) -> None:
    """Show a command and run it, in the checkout."""
    print(f"$ {line}", flush=True)
    program, *arguments = line.split()
    subprocess.run([Path(sys.executable).with_name(program), *arguments], cwd=ROOT, check=True)
    print(flush=True)


def main() -> None:
    folder = ROOT / "demo"
    (folder / "labels").mkdir(parents=True, exist_ok=True)
    for index in range(6):
        shutil.copy(TRUTH / f"label{index}.png", folder / "labels" / f"image{index}.png")

    run("fcnkit convert examples/shapes-fcn8s.caffemodel -o demo/shapes-fcn8s.safetensors --force")
    model, names = "demo/shapes-fcn8s.safetensors", "--classes examples/shapes.txt"
    run(f"fcnkit predict {model} examples/image5.png -o demo/one {names} --overlay --legend --heatmap square --force")
    run(f"fcnkit predict {model} examples/image?.png -o demo/predictions {names} --force")
    run(f"fcnkit score demo/predictions demo/labels {names} --plot demo/scores.png --force")
    for what, where in {
        "label map": "one/image5.png",
        "overlay": "one/overlay/image5.png",
        "legend": "one/legend/image5.png",
        "squares": "one/heatmap-square/image5.png",
        "scores": "scores.png",
    }.items():
        print(f"  {what:9}  {Path('demo') / where}")


if __name__ == "__main__":
    main()
