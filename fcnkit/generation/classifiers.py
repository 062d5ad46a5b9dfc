"""The published ImageNet classifiers, and torchvision's where they are other nets: their definitions for inference.

Sources: BVLC/caffe models/bvlc_alexnet, bvlc_reference_caffenet and bvlc_googlenet, deploy.prototxt and readme.md; the
ILSVRC-2014 models of the VGG team, gists 211839e770f7b538e2d8 and 3785162f95cd2d5fee77 of ksimonyan;
KaimingHe/deep-residual-networks prototxt/; pytorch/vision torchvision/models.
"""

from __future__ import annotations

from typing import NamedTuple

from fcnkit.aliases import AnyPath
from fcnkit.generation.rendering import environment, render

_BERKELEY = "http://dl.caffe.berkeleyvision.org/bvlc_{}.caffemodel"
_VGG = "http://www.robots.ox.ac.uk/~vgg/software/very_deep/caffe/VGG_ILSVRC_{}_layers.caffemodel"


class Classifier(NamedTuple):
    """A classifier: the height and width of its images, and the address of the published weights, if there is one."""

    side: int
    weights: str = ""


CLASSIFIERS = {
    "alexnet": Classifier(227, _BERKELEY.format("alexnet")),
    "caffenet": Classifier(227, _BERKELEY.format("reference_caffenet")),
    "googlenet": Classifier(224, _BERKELEY.format("googlenet")),
    "vgg16": Classifier(224, _VGG.format(16)),
    "vgg19": Classifier(224, _VGG.format(19)),
    "resnet50": Classifier(224),
    "resnet101": Classifier(224),
    "resnet152": Classifier(224),
    "torchvision-alexnet": Classifier(224),
    "torchvision-resnet50": Classifier(224),
    "torchvision-resnet101": Classifier(224),
    "torchvision-resnet152": Classifier(224),
}


def generate_classifier(name: str, templates: AnyPath | None = None) -> str:
    """The definition of a classifier, a key of CLASSIFIERS, as prototxt.

    Args:
        name: of the classifier.
        templates: a folder of templates that override fcnkit's own.

    Raises:
        TemplateError: a template cannot be rendered.
    """
    values = {"classifier": name, "side": CLASSIFIERS[name].side, "phase": "deploy"}
    return render(environment(templates), "classifier.prototxt.j2", values)
