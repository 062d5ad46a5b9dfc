"""Convert the sample model, segment an image with it, and say where everything is."""

import subprocess
import sys
from pathlib import Path

from PIL import Image

import fcnkit
from fcnkit.palette import label_image, overlay
from fcnkit.segment import label_map

EXAMPLES = Path(__file__).resolve().parent
ROOT = EXAMPLES.parent
CLASSES = ["background", "circle", "square", "triangle"]


def main() -> None:
    folder = ROOT / "demo"
    folder.mkdir(exist_ok=True)
    model = EXAMPLES / "shapes-fcn8s.caffemodel"
    converted = folder / "shapes-fcn8s.safetensors"
    command = ["fcnkit", "convert", str(model.relative_to(ROOT)), "-o", str(converted.relative_to(ROOT)), "--force"]
    print("$", *command, flush=True)
    subprocess.run([Path(sys.executable).with_name("fcnkit"), *command[1:]], cwd=ROOT, check=True)

    net = fcnkit.load(converted)
    image = Image.open(EXAMPLES / "image5.png")
    labels = label_map(net, image)
    label_image(labels).save(folder / "labels.png")
    overlay(image, labels).save(folder / "overlay.png")

    found = [CLASSES[label] for label in sorted(set(labels.flat)) if label]
    print(f"\nSegmented {Path('examples/image5.png')}: found {', '.join(found)}.")
    for what, name in {"net": converted.name, "label map": "labels.png", "overlay": "overlay.png"}.items():
        print(f"  {what:9}  {(folder / name).relative_to(ROOT)}")


if __name__ == "__main__":
    main()
