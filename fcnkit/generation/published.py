"""The published FCN models as data: net, solver, mean IU and the address of the weights.

Source: shelhamer/fcn.berkeleyvision.org, the folder of each net, its caffemodel-url, and README.md for mean IU.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from fcnkit.caffe.messages import NetParameter
from fcnkit.generation.options import STRIDES, Net, Solver

WEIGHTS = "http://dl.caffe.berkeleyvision.org/{}.caffemodel"

HEADER = ["net", "dataset", "classes", "backbone", "strides", "mean IU", "weights"]

DATASETS = {"voc": "PASCAL VOC", "pascalcontext": "PASCAL-Context", "siftflow": "SIFT Flow", "nyud": "NYUDv2"}


@dataclass(frozen=True)
class Published:
    """A published model.

    mean_iu is in percent on seg11valid, None if it was not published for these weights (the papers' tables are for
    weights trained differently); weights names the file on the authors' server, "" if none was released.
    """

    net: Net
    solver: Solver = field(default_factory=Solver)
    weights: str = ""
    mean_iu: float | None = None

    @property
    def dataset(self) -> str:
        return DATASETS[self.net.data]

    @property
    def url(self) -> str:
        return WEIGHTS.format(self.weights) if self.weights else ""

    @property
    def row(self) -> list[str]:
        """The model's row in a list of models, under HEADER."""
        classes = ", ".join(f"{name} {count}".strip() for name, count in self.net.heads.items())
        strides = ", ".join(str(stride) for stride in STRIDES if stride >= self.net.stride)
        mean_iu = "-" if self.mean_iu is None else str(self.mean_iu)
        return [self.dataset, classes, self.net.backbone, strides, mean_iu, self.url or "-"]


def _files(net: Net, solver: Solver) -> Solver:
    train, test = net.phases
    return replace(solver, train_net=f"{train}.prototxt", test_net=f"{test}.prototxt")


def own_solver(net: Net) -> Solver:
    """A solver to start training an own net with: that of the most similar published net.

    With an averaged loss the learning rates are those for 20 images per step (arXiv 1411.4038, section 4.3).
    """
    if net.normalize:
        rate = {"alexnet": 1e-4, "googlenet": 5e-5}.get(net.backbone, 1e-4)
        return _files(net, Solver(rate, momentum=0.9, iter_size=20))
    rate = 1e-10 if net.at_once else {32: 1e-10, 16: 1e-12, 8: 1e-14, 4: 1e-14}[net.stride]
    return _files(net, Solver(rate))


def _published() -> dict[str, Published]:
    voc, context = Solver(), Solver(max_iter=300_000, test_iter=5105)
    siftflow = Solver(max_iter=300_000, snapshot=0, test_iter=200)
    nyud = Solver(max_iter=300_000, snapshot=2000, test_iter=654)
    tasks = {"sem": 33, "geo": 3}

    models = {
        "voc-fcn32s": Published(Net(), voc, "fcn32s-heavy-pascal", 63.6),
        # Trained one folder deeper than the other VOC nets.
        "voc-fcn16s": Published(
            Net(stride=16, root="../../data"), replace(voc, base_lr=1e-12), "fcn16s-heavy-pascal", 65.0
        ),
        "voc-fcn8s": Published(Net(stride=8), replace(voc, base_lr=1e-14), "fcn8s-heavy-pascal", 65.5),
        "voc-fcn8s-atonce": Published(
            Net(stride=8, at_once=True), replace(voc, max_iter=300_000), "fcn8s-atonce-pascal", 65.4
        ),
        "voc-fcn-alexnet": Published(
            Net("alexnet", normalize=True),
            replace(voc, base_lr=1e-4, momentum=0.9, iter_size=20),
            "fcn-alexnet-pascal",
            48.0,
        ),
    }
    for stride, rate in [(32, 1e-10), (16, 1e-12), (8, 1e-14)]:
        net = Net(stride=stride, heads={"": 60}, data="pascalcontext", root="../../data")
        name = f"pascalcontext-fcn{stride}s"
        models[name] = Published(net, replace(context, base_lr=rate), f"{name}-heavy")
    for stride, rate in [(32, 1e-10), (16, 1e-12), (8, 1e-12)]:
        net = Net(stride=stride, heads=tasks, data="siftflow")
        name = f"siftflow-fcn{stride}s"
        models[name] = Published(net, replace(siftflow, base_lr=rate), f"{name}-heavy")

    indoor = Net(heads={"": 40}, data="nyud")
    models |= {
        "nyud-fcn32s-color": Published(indoor, nyud, "nyud-fcn32s-color-heavy"),
        "nyud-fcn32s-color-d": Published(replace(indoor, inputs={"color": 3, "depth": 1}, fusion="early"), nyud),
        "nyud-fcn32s-hha": Published(
            replace(indoor, settings={"tops": ["hha", "label"]}), nyud, "nyud-fcn32s-hha-heavy"
        ),
        "nyud-fcn32s-color-hha": Published(
            replace(indoor, inputs={"color": 3, "hha": 3}, fusion="late"),
            replace(nyud, base_lr=1e-12),
            "nyud-fcn32s-color-hha-heavy",
        ),
    }
    return {name: replace(model, solver=_files(model.net, model.solver)) for name, model in models.items()}


PUBLISHED = _published()


# The names with which the filters of the published nets' backbones start, of VGG16 and AlexNet alike: their first and
# last convolutions, and the fully connected layers as convolutions. Nets of several inputs add the input's name.
_TRUNK = ("conv1", "conv5", "fc6", "fc7")


def resembles_published(net: NetParameter) -> bool:
    """Whether a net is like a published one: the same backbone, and scores over as many classes as one of theirs."""
    counts = {count for model in PUBLISHED.values() for count in model.net.heads.values()}
    filters = [layer for layer in net.layer if layer.type == "Convolution"]
    scores = [layer for layer in filters if not layer.name.startswith(_TRUNK)]
    return all(any(layer.name.startswith(name) for layer in filters) for name in _TRUNK) and any(
        layer.convolution_param.num_output in counts for layer in scores
    )
