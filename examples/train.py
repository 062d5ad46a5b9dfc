"""Train a thin FCN-8s from nothing on drawn images, and score it on fresh ones: as commands, shown as they run."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FOLDER = Path("trained")
# The mean IU that the net must reach on the fresh images.
ENOUGH = 0.70


def run(line: str) -> None:
    """Show a command and run it, in the checkout."""
    print(f"$ {line}", flush=True)
    program, *arguments = line.split()
    command = [sys.executable] if program == "python" else [str(Path(sys.executable).with_name(program))]
    subprocess.run([*command, *arguments], cwd=ROOT, check=True)
    print(flush=True)


def main() -> None:
    shutil.rmtree(ROOT / FOLDER, ignore_errors=True)
    images, fresh, result = FOLDER / "shapes", FOLDER / "fresh", FOLDER / "run"
    run(f"python examples/train/shapes.py {images} --count 400")
    run(f"python examples/train/shapes.py {fresh} --count 60 --seed 1")
    run(
        f"fcnkit train fcn --images {images}/images --labels {images}/labels --classes {images}/classes.txt "
        "--backbone thin --templates examples/train/templates --stride 8 --recipe accum --batch 8 --patches 64x64 "
        "--set type=Adam --set base_lr=1e-3 --set iter_size=1 --set max_iter=800 --set display=20 --score-every 100 "
        f"-o {result}"
    )
    run(
        f"fcnkit score {result}/best.safetensors --images {fresh}/images --labels {fresh}/labels "
        f"--classes {images}/classes.txt"
    )
    run(f"fcnkit predict {result}/best.safetensors {fresh}/images/0000.jpg -o {FOLDER}/predicted --overlay")
    best = json.loads((ROOT / result / "scores.json").read_text())[0]["best"]["score"]["mean_iu"]
    print(f"report: {result}/report.html; mean IU {best:.3f}")
    if best < ENOUGH:
        sys.exit(f"the mean IU is below {ENOUGH}")


if __name__ == "__main__":
    main()
