"""The limits of the target "opencv" against OpenCV itself: within them it computes what fcnkit does, outside not."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

import fcnkit
from fcnkit.export import spelled
from fcnkit.export.targets import TARGETS
from fcnkit.export.targets.target import Field, Limit
from tests.export.targets.nets import FIELDS, with_field
from tests.export.targets.test_data import REFUSED
from tests.export.targets.test_limits import text, values

cv2 = pytest.importorskip("cv2")
TARGET = TARGETS["opencv"]


def agrees(definition: str, folder: Path, in_its_form: bool = False) -> bool:
    """Whether OpenCV reads a net and computes what fcnkit computes."""
    torch.manual_seed(0)
    (folder / "own.prototxt").write_text(definition)
    net = fcnkit.load(folder / "own.prototxt", deploy=False)
    with torch.no_grad():
        for each in [*net.parameters(), *net.buffers()]:
            if each.is_floating_point():
                each.uniform_(0.5, 1.5)
    fcnkit.save(spelled(net, TARGET) if in_its_form else net, folder / "net.caffemodel")
    if not in_its_form:
        (folder / "net.prototxt").write_text(definition)
    blobs = {name: 0.1 + torch.rand(net.shapes[name]) for name in net.inputs}
    with torch.no_grad():
        expected = net.forward_blobs(**blobs)
    try:
        other = cv2.dnn.readNetFromCaffe(str(folder / "net.prototxt"), str(folder / "net.caffemodel"))
        for name, values in blobs.items():
            other.setInput(values.numpy(), name)
        makers = {top: (step.name, index) for step in net.steps for index, top in enumerate(step.tops)}
        found = {name: other.forwardAndRetrieve([makers[name][0]])[0][makers[name][1]] for name in net.outputs}
    except (cv2.error, IndexError):
        return False
    return all(
        values.shape == tuple(expected[name].shape)
        and np.allclose(values, expected[name].numpy(), rtol=0, atol=1e-4 * float(expected[name].abs().max()))
        for name, values in found.items()
    )


LIMITS = [
    pytest.param(limit, kind, id=f"{limit.of}-{kind}")
    for limit in TARGET.limits
    for kind in sorted(limit.layers)
]  # fmt: skip


@pytest.mark.parametrize(("limit", "kind"), LIMITS)
def test_limits(limit: Limit, kind: str, tmp_path: Path) -> None:
    fits, outside = values(limit)
    if limit.of in FIELDS:
        outside = [*FIELDS[limit.of][3]]
    if kind == "Scale":
        outside = []  # OpenCV crashes
    assert all(agrees(text(limit, kind, value), tmp_path) for value in fits)
    assert not any(agrees(text(limit, kind, value), tmp_path) for value in outside)


@pytest.mark.parametrize("field", TARGET.fields, ids=lambda field: field.name)
def test_fields(field: Field, tmp_path: Path) -> None:
    assert all(agrees(with_field(field.name, value), tmp_path) for value in field.neutral)
    assert not any(agrees(with_field(field.name, value), tmp_path) for value in FIELDS[field.name][3])


@pytest.mark.parametrize("kind", sorted(frozenset().union(*(each.layers for each in TARGET.refused))))
def test_refused_layers(kind: str, tmp_path: Path) -> None:
    assert not agrees(REFUSED[kind], tmp_path)


@pytest.mark.parametrize("kind", ["Bias", "ArgMax", "Reduction", "Clip"])
def test_layers_that_it_does_not_list(kind: str, tmp_path: Path) -> None:
    assert not TARGET.has(kind)
    assert not agrees(REFUSED[kind], tmp_path)


def test_its_form_is_read_where_bvlcs_is_not(tmp_path: Path) -> None:
    definition = with_field("pooling_param.round_mode", "FLOOR")
    assert not agrees(definition, tmp_path)
    assert agrees(definition, tmp_path, in_its_form=True)
    assert agrees(REFUSED["Clip"], tmp_path, in_its_form=True)
    assert agrees(with_field("concat_param.concat_dim", 2), tmp_path, in_its_form=True)
