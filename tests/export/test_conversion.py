"""Names, outputs, weights and errors of converted modules."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

import fcnkit
from fcnkit.errors import InputError
from fcnkit.export import DifferenceError, UnsupportedOperationsError
from fcnkit.export.rules import rule_for
from tests.export.proving import randomized


class Function(nn.Module):
    def __init__(self, function: Callable[..., Any], **modules: nn.Module):
        super().__init__()
        self.function = function
        for name, module in modules.items():
            self.add_module(name, module)

    def forward(self, *inputs: Tensor) -> Any:
        return self.function(self, *inputs)


def image(*shape: int) -> Tensor:
    return torch.randn(shape or (2, 4, 6, 5), generator=torch.Generator().manual_seed(3))


def kinds(net: fcnkit.CaffeNet) -> list[str]:
    return [step.kind for step in net.steps]


def names(net: fcnkit.CaffeNet) -> list[str]:
    return [step.name for step in net.steps]


def test_layers_have_the_names_of_the_module_tree() -> None:
    block = Function(lambda self, x: self.act(self.norm(self.conv(x)) + x),
                     conv=nn.Conv2d(4, 4, 1), norm=nn.BatchNorm2d(4), act=nn.ReLU())  # fmt: skip
    net = fcnkit.from_torch(Function(lambda self, x: self.block(x) * 2, block=block), image())
    assert names(net) == ["block.conv", "block.norm", "block.norm_scale", "block.add", "block.act", "mul"]
    assert net.state_dict()["block.conv.weight"].equal(block.conv.weight)


def test_a_module_that_is_called_twice_has_numbers_and_shared_weights() -> None:
    module = Function(lambda self, x: self.conv(self.act(self.conv(x))), conv=nn.Conv2d(4, 4, 1), act=nn.ReLU())
    net = fcnkit.from_torch(module, image())
    assert names(net) == ["conv", "act", "conv_1"]
    assert net.conv_1.weight is net.conv.weight
    assert [spec.name for spec in net.definition().layer[1].param] == ["conv.weight", "conv.bias"]


def test_tied_weights_and_statistics_are_shared() -> None:
    class Tied(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.a, self.b = nn.Linear(5, 5), nn.Linear(5, 5)
            self.b.weight = self.a.weight
            self.norm = nn.BatchNorm2d(4)

        def forward(self, x: Tensor) -> Tensor:
            return self.norm(self.b(self.norm(self.a(x))))

    net = fcnkit.from_torch(randomized(Tied()), image())
    assert net.b.weight is net.a.weight
    assert net.b.bias is not net.a.bias
    assert net.norm_1.mean is net.norm.mean
    # Caffe refuses statistics with another rate.
    assert [spec.lr_mult for spec in net.definition().layer[2].param] == [0, 0]


@pytest.mark.parametrize("kind", [torch.float32, torch.float64, torch.float16, torch.bfloat16])
def test_weights_keep_their_type_and_bits(kind: torch.dtype) -> None:
    module = nn.Sequential(nn.Conv2d(4, 3, 3), nn.BatchNorm2d(3), nn.PReLU(3), nn.Flatten(), nn.Linear(36, 2)).to(kind)
    net = fcnkit.from_torch(randomized(module), image().to(kind))
    state = net.state_dict()
    own = {"0.weight": "0.weight", "1_scale.weight": "1.weight", "1.mean": "1.running_mean", "2.weight": "2.weight",
           "4.weight": "4.weight", "4.bias": "4.bias"}  # fmt: skip
    for name, original in own.items():
        assert state[name].dtype == kind
        assert state[name].equal(module.state_dict()[original]), name


def test_a_net_does_not_change_with_the_module() -> None:
    module = nn.Conv2d(4, 3, 3)
    net = fcnkit.from_torch(module, image())
    before = net(image())
    module.weight.data.zero_()
    assert net(image()).equal(before)


def test_the_module_is_converted_in_eval_mode_and_stays_in_train_mode() -> None:
    module = nn.Sequential(nn.Dropout(0.5), nn.BatchNorm2d(4)).train()
    module[0].eval()
    net = fcnkit.from_torch(module, image())
    assert kinds(net) == ["BatchNorm", "Scale"]
    assert (module.training, module[0].training, module[1].training) == (True, False, True)
    assert module[1].num_batches_tracked == 0


def test_a_result_under_two_names() -> None:
    def twice(self: nn.Module, x: Tensor) -> dict[str, Tensor]:
        y = x.relu() * 2
        return {"first": y, "second": y}

    net = fcnkit.from_torch(Function(twice), image())
    assert net.outputs == ("first", "second")
    assert all(found.equal(image().relu() * 2) for found in net(image()).values())


def test_inputs_are_named_after_parameters_or_as_given() -> None:
    class Siamese(nn.Module):
        def forward(self, left: Tensor, right: Tensor) -> Tensor:
            return left - 2 * right

    inputs = image(), image(2, 4, 6, 5) * 2
    assert fcnkit.from_torch(Siamese(), inputs).inputs == ("left", "right")
    net = fcnkit.from_torch(Siamese(), inputs, input_names=["a", "b"])
    assert net.inputs == ("a", "b")
    assert net(b=inputs[1], a=inputs[0]).allclose(inputs[0] - 2 * inputs[1])
    with pytest.raises(InputError, match=r"^`input_names` has 1 names for 2 inputs$"):
        fcnkit.from_torch(Siamese(), inputs, input_names=["a"])


def test_outputs_of_a_dict_have_its_keys_and_no_other_blob_is_an_output() -> None:
    def several(self: Any, x: Tensor) -> Any:
        y = self.conv(x)
        left, _ = y.chunk(2, 1)
        return {"low": y, "score": {"left": left, "act": y.relu()}}

    net = fcnkit.from_torch(Function(several, conv=nn.Conv2d(4, 4, 1)), image())
    # "low" is read by other layers, so that a copy of it is the output.
    assert set(net.outputs) == {"low", "score.left", "score.act"}
    found = net(image())
    assert found["score.left"].equal(found["low"][:, :2])
    assert "Silence" in kinds(net)


def test_an_output_takes_a_name_that_a_blob_has() -> None:
    module = Function(lambda self, x: {"out": self.out(x).relu()}, out=nn.Conv2d(4, 4, 1))
    net = fcnkit.from_torch(module, image())
    assert net.outputs == ("out",)
    assert net.out.weight.equal(module.out.weight)


def test_the_same_output_twice_and_an_input_as_output() -> None:
    module = Function(lambda self, x: (x, x.relu(), x.relu()))
    net = fcnkit.from_torch(module, image())
    assert len(net.outputs) == 3
    found = net(image())
    assert [found[name].equal(image()) for name in net.outputs] == [True, False, False]
    assert [found[name].equal(image().relu()) for name in net.outputs] == [False, True, True]


def test_outputs_have_the_order_of_the_modules() -> None:
    def several(self: Any, x: Tensor) -> Any:
        first, *parts = x.chunk(4, 1)
        low = self.conv(x)
        score = low.relu()
        return parts[1], self.conv(score), parts[0], score.abs(), score, low.tanh(), score, first

    module = Function(several, conv=nn.Conv2d(4, 4, 1))
    net = fcnkit.from_torch(module, image())
    found = net(image())
    assert len(net.outputs) == 8
    for name, values in zip(net.outputs, module(image()), strict=True):
        assert found[name].allclose(values, atol=1e-6)
    pair = fcnkit.from_torch(Function(lambda _, x: (x.relu().tanh(), *x.chunk(2, 1))), image())
    # No copies where the order is that of the layers.
    assert kinds(pair) == ["ReLU", "TanH", "Slice"]


def test_an_output_without_the_inputs_is_refused() -> None:
    message = r"^an output of the module does not depend on its inputs; leave it out of the module$"
    with pytest.raises(InputError, match=message):
        fcnkit.from_torch(Function(lambda self, x: (x.relu(), torch.ones(2))), image())


def test_constants_are_computed_and_dead_code_is_dropped() -> None:
    def forward(self: Any, x: Tensor) -> Tensor:
        x.exp().sum()
        weight = self.conv.weight / self.conv.weight.norm()
        return F.conv2d(x, weight, torch.arange(4.0) ** 2)

    net = fcnkit.from_torch(Function(forward, conv=nn.Conv2d(4, 4, 1)), image())
    assert kinds(net) == ["Convolution"]


def test_a_tensor_without_values_is_not_joined() -> None:
    module = Function(lambda _, x: torch.cat([x.relu(), x.new_zeros(2, 0, 6, 5), x], 1))
    assert kinds(fcnkit.from_torch(module, image())) == ["ReLU", "Concat"]


def test_permutations_that_undo_each_other_add_no_layers() -> None:
    norm = Function(lambda self, x: F.relu6(x.permute(0, 2, 3, 1) * torch.arange(4.0)).permute(0, 3, 1, 2))
    assert kinds(fcnkit.from_torch(norm, image())) == ["Scale", "Clip"]
    linear = Function(lambda self, x: self.fc(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2), fc=nn.Linear(4, 3))
    assert kinds(fcnkit.from_torch(linear, image())) == ["Convolution"]
    sequence = nn.Sequential(nn.Conv1d(5, 4, 3), nn.BatchNorm1d(4), nn.ReLU(), nn.Conv1d(4, 3, 1))
    found = kinds(fcnkit.from_torch(sequence, image(2, 5, 9)))
    assert found == ["Reshape", "Convolution", "BatchNorm", "Scale", "ReLU", "Convolution", "Reshape"]


def test_the_batch_may_change_afterwards() -> None:
    module = nn.Sequential(nn.Conv2d(4, 3, 3), nn.Flatten(), nn.Linear(36, 2))
    net = fcnkit.from_torch(module, image(1, 4, 6, 5))
    assert net(image()).allclose(module(image()), atol=1e-6)


class Attention(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.act = nn.GELU()

    def forward(self, x: Tensor) -> Tensor:
        x = self.act(x)
        return x @ x.transpose(1, 2)


def test_all_unsupported_operations_are_in_one_error() -> None:
    module = nn.Sequential(nn.Flatten(2), Attention(), nn.Sequential(nn.GELU()), Function(lambda _, x: x.topk(2)[0]))
    with pytest.raises(UnsupportedOperationsError) as caught:
        fcnkit.from_torch(module, image())
    message = str(caught.value)
    assert message.startswith("4 operations that BVLC Caffe has no layers for: ")
    assert re.search(r"aten\.gelu \(the erf form\) in module '1.act', test_conversion.py:\d+ and module '2.0'", message)
    assert re.search(r"aten\.\w*m\w*m\w* \(of two tensors that depend on the input\) in module '1', test_conv", message)
    assert re.search(r"aten\.topk in module '3', test_conversion\.py:\d+", message)
    assert "Ways out: allow its tanh form, whose values differ by up to 4.7e-4, by `approximate` gelu" in message
    assert "\n" not in message
    assert [problem.operation for problem in caught.value.problems].count("aten.gelu") == 2


def test_an_approximation_is_written_only_if_allowed(capfd: pytest.CaptureFixture[str]) -> None:
    net = fcnkit.from_torch(nn.Sequential(nn.Conv2d(4, 4, 1), nn.GELU()), image(), approximate=("gelu",), verify=True)
    assert "TanH" in kinds(net)
    found = re.fullmatch(r"The outputs differ .* by (\S+) of the largest value, with gelu approximated\n",
                         capfd.readouterr().err)  # fmt: skip
    assert found
    assert 1e-6 < float(found[1]) < 1e-3
    with pytest.raises(InputError, match=r"^unknown approximation 'relu'; `approximate` takes gelu$"):
        fcnkit.from_torch(nn.ReLU(), image(), approximate=("relu",))


def test_a_net_that_differs_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    rule = rule_for(torch.ops.aten.tanh.default)
    monkeypatch.setattr(rule, "write", lambda net, view: net.on_each(view, "Sigmoid"))
    module = nn.Sequential(nn.Conv2d(4, 4, 1), nn.Tanh(), nn.ReLU())
    message = r"^layers compute other values than the module, the first ones: '1' by \S+ of its largest value, '2' by "
    with pytest.raises(DifferenceError, match=message):
        fcnkit.from_torch(module, image())


@pytest.mark.parametrize("verify", [False, True])
def test_rounding_that_a_module_amplifies_is_accepted(verify: bool, capfd: pytest.CaptureFixture[str]) -> None:
    module = Function(lambda _, x: (x + 1000).mean(1) - 1000)
    net = fcnkit.from_torch(module, image(2, 64, 31, 37), verify=verify)
    found = re.fullmatch(r"The outputs differ .* by (\S+) of the .* by rounding; in double precision, by (\S+)\n",
                         capfd.readouterr().err)  # fmt: skip
    assert found
    assert float(found[1]) > 1e-4
    assert float(found[2]) < 1e-10
    assert next(net.parameters(), torch.empty(0)).dtype == torch.float32


@pytest.mark.parametrize("verify", [False, True])
def test_an_error_as_small_as_amplified_rounding_is_refused(verify: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    rule = rule_for(torch.ops.aten.neg.default)
    monkeypatch.setattr(rule, "write", lambda net, view: net.power(view, scale=-1.001))
    with pytest.raises(DifferenceError, match=r"^layers compute other .* first ones: '0' by 0.001 of its largest"):
        fcnkit.from_torch(nn.Sequential(Function(lambda _, x: -x), nn.ReLU()), image(), verify=verify)


def test_verify_finds_what_the_outputs_do_not_show(monkeypatch: pytest.MonkeyPatch) -> None:
    rule = rule_for(torch.ops.aten.tanh.default)
    monkeypatch.setattr(rule, "write", lambda net, view: net.on_each(view, "Sigmoid"))
    module = nn.Sequential(nn.Tanh(), Function(lambda _, x: x * 1e-9 + 1))
    fcnkit.from_torch(module, image())
    with pytest.raises(DifferenceError, match=r"^layers compute other values than the module, the first ones: '0' by "):
        fcnkit.from_torch(module, image(), verify=True)


def test_untraceable_modules_and_unknown_targets() -> None:
    with pytest.raises(InputError, match=r"^torch.export cannot trace the module: "):
        fcnkit.from_torch(Function(lambda _, x: x if x.sum() > 0 else -x), image())
    with pytest.raises(InputError, match=r"^the module's 'code' has a name that torch.export reserves; give it"):
        fcnkit.from_torch(Function(lambda self, x: torch.addcmul(x, x, self.code(x)), code=nn.Conv2d(4, 4, 1)), image())
    with pytest.raises(InputError, match=r"^unknown `target` 'cafe'; the targets are bvlc, bvlc-1.0"):
        fcnkit.from_torch(nn.ReLU(), image(), target="cafe")
    with pytest.raises(UnsupportedOperationsError, match=r"aten\.\w+ \(to int64\) in the module itself"):
        fcnkit.from_torch(Function(lambda _, x: x.long() + 1), image())


@pytest.mark.parametrize(("unit", "name"), [(nn.GRU(5, 3), "gru"), (nn.RNN(5, 3, nonlinearity="relu"), "rnn_relu")])
def test_recurrent_operations_without_a_layer_name_the_way_out(unit: nn.Module, name: str) -> None:
    message = rf"aten\.{name} in .* Ways out: replace it by nn.LSTM, or by nn.RNN with tanh$"
    with pytest.raises(UnsupportedOperationsError, match=message):
        fcnkit.from_torch(Function(lambda self, x: self.unit(x)[0], unit=unit), image(2, 4, 5))


def test_targets_choose_among_exact_forms() -> None:
    module = nn.Sequential(nn.MaxPool2d(2), nn.ReLU6(), nn.SiLU())
    new, old = (fcnkit.from_torch(module, image(1, 4, 7, 5), target=target) for target in ("bvlc", "bvlc-1.0"))
    assert kinds(new) == ["Pooling", "Clip", "Swish"]
    assert {"Clip", "Swish"}.isdisjoint(kinds(old))
    assert "round_mode" not in old.prototxt
    assert "round_mode: FLOOR" in new.prototxt
    assert old(image(1, 4, 7, 5)).allclose(new(image(1, 4, 7, 5)))
