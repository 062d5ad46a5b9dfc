"""PyTorch source as a person would write it: one file that requires only torch."""

from __future__ import annotations

import hashlib
import json
import keyword
import re
import textwrap
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from torch import nn

from fcnkit.caffe.preprocessing import pixels_in_words
from fcnkit.errors import OutputError, printable
from fcnkit.formats.python_construction import UnwritableError, construction
from fcnkit.formats.python_source import Import, source_of
from fcnkit.generation.rendering import environment
from fcnkit.net import CaffeNet, Step
from fcnkit.nn.combine import Silence
from fcnkit.nn.source import DummyData

_WIDTH = 120
# Names that the template itself uses, in every net and in nets that map names.
_IMPORTED = {
    "json": Import("json"),
    "warnings": Import("warnings"),
    "Path": Import("pathlib", "Path"),
    "torch": Import("torch"),
    "Tensor": Import("torch", "Tensor"),
    "nn": Import("torch", "nn"),
}
_IMPORTED_FOR_NAMES = {"Any": Import("typing", "Any")}
# Names that the template defines, at the top and in the net's class.
_DEFINED = {"read_weights", "rename_layers"}
_MEMBERS = {"CAFFE_NAMES", "SHARED", "load_weights", "read_names", "write_names"}


class _Names(dict[str, str]):
    """Unique identifiers for arbitrary names; valid identifiers are kept, and none is another one of the names."""

    def __init__(self, taken: Iterable[str], names: Iterable[str] = ()):
        self.taken, self.names = set(taken), set(names)

    def __missing__(self, name: str) -> str:
        clear = re.sub(r"\W+", "_", name).strip("_") or "blob"
        if name.isidentifier() and not name.startswith("__"):
            clear = name
        if not clear[0].isalpha() and clear[0] != "_":
            clear = f"x{clear}"
        # Linters reject l, O and I, which look like digits.
        while (
            clear in self.taken
            or keyword.iskeyword(clear)
            or clear in ("l", "O", "I")
            or (clear != name and clear in self.names)
        ):
            clear += "_"
        self.taken.add(clear)
        self[name] = clear
        return clear


class _Layers(NamedTuple):
    """The source of the layers: lines of __init__ and forward, and the classes whose source is included."""

    built: list[str]
    run: list[str]
    classes: list[type]


def save(net: CaffeNet, path: Path) -> None:
    """Write the net's source to path.

    Raises:
        OutputError: a layer cannot be written as source.
    """
    attributes = _Names([*dir(nn.Module()), *_MEMBERS], [step.module for step in net.steps])
    blobs = _Names({"self"})
    inputs = [blobs[name] for name in net.inputs]
    layers = _layers(net, attributes, blobs)
    with_weights = dict.fromkeys(key.rpartition(".")[0] for key in net.state_dict())
    renamed = {path: attributes[path] for path in with_weights if attributes[path] != path}
    shared = {user.path: owner.path for owner, user, _ in net.ties}
    source = source_of(layers.classes, _IMPORTED | (_IMPORTED_FOR_NAMES if renamed or shared else {}))
    name = _class_name(net.definition().name, source.names | _DEFINED)
    template = environment().get_template("net.py.j2")
    text = template.render(
        name=name,
        about=_about(net, name),
        imports=source.imports,
        definitions=_spaced(source.definitions),
        layers=layers,
        inputs=inputs,
        result=_result([(output, blobs[output]) for output in net.outputs]),
        several=len(net.outputs) > 1,
        renamed=[(_quoted(caffe), _quoted(own)) for caffe, own in renamed.items()],
        shared=[(_quoted(user), _quoted(owner)) for user, owner in shared.items()],
    )
    path.write_bytes(text.encode())


def _layers(net: CaffeNet, attributes: _Names, blobs: _Names) -> _Layers:
    layers = _Layers([], [], [])
    for step in net.steps:
        module = net.get_submodule(step.module)
        attribute = f"self.{attributes[step.module]}"
        if isinstance(module, Silence):
            continue
        if isinstance(module, DummyData):
            _write_constants(step, module, attributes, blobs, layers)
            continue
        try:
            expression = construction(module)
        except UnwritableError as error:
            raise _unwritable(step, str(error)) from None
        layers.built.append(_call(f"{attribute} = {expression.name}", expression.arguments))
        if not expression.name.startswith("nn."):
            layers.classes.append(type(module))
        layers.built.extend(_frozen(attribute, module))
        bottoms = [blobs[name] for name in step.bottoms]
        tops = ", ".join(blobs[name] for name in step.tops)
        if step.per_bottom and len(bottoms) > 1:
            layers.run.append(f"{tops} = " + ", ".join(f"{attribute}({bottom})" for bottom in bottoms))
        else:
            # A tuple of one top needs its comma.
            layers.run.append(_call(f"{tops} = {attribute}" if tops else attribute, bottoms))
    for owner, user, view in net.ties:
        step = next(step for step in net.steps if step.module == user.path.rpartition(".")[0])
        if view is not None:
            raise _unwritable(step, "its weight is another layer's in another shape")
        ours, theirs = (
            f"self.{attributes[path.rpartition('.')[0]]}.{path.rpartition('.')[2]}" for path in (user.path, owner.path)
        )
        layers.built.append(f"{ours} = {theirs}")
    return layers


def _write_constants(step: Step, module: DummyData, attributes: _Names, blobs: _Names, layers: _Layers) -> None:
    for index, (top, random) in enumerate(zip(step.tops, module.random, strict=True)):
        blob = module.get_buffer(f"top{index}")
        if random or not blob.numel() or (blob != blob.flatten()[0]).any():
            raise _unwritable(step, "its values are random")
        name = attributes[f"{step.module}/{top}"]
        value = f"torch.full({tuple(blob.shape)}, {blob.flatten()[0].item()!r})"
        layers.built.append(_call("self.register_buffer", [f'"{name}"', value, "persistent=False"]))
        layers.run.append(f"{blobs[top]} = self.{name}")


def _unwritable(step: Step, problem: str) -> OutputError:
    return OutputError(f"layer {step.name!r} ({step.kind}) cannot be written as Python: {problem}")


def _frozen(attribute: str, module: nn.Module) -> list[str]:
    """The lines that exclude a module's frozen weights from training."""
    still = [name for name, weight in module.named_parameters() if not weight.requires_grad]
    if not still:
        return []
    if len(still) == len(list(module.parameters())):
        return [f"{attribute}.requires_grad_(False)"]
    return [f"{attribute}.{name}.requires_grad_(False)" for name in still]


def _result(outputs: Sequence[tuple[str, str]]) -> str:
    if len(outputs) == 1:
        return f"return {outputs[0][1]}"
    line = "return {" + ", ".join(f"{_quoted(name)}: {blob}" for name, blob in outputs) + "}"
    if len(line) <= _WIDTH - 8:
        return line
    rows = "".join(f"            {_quoted(name)}: {blob},\n" for name, blob in outputs)
    return f"return {{\n{rows}        }}"


def _call(head: str, arguments: Sequence[str]) -> str:
    """A call as formatters lay it out at eight columns: on one line if it fits, else the arguments on their own."""
    inner = ", ".join(arguments)
    if len(head) + len(inner) + 2 <= _WIDTH - 8:
        return f"{head}({inner})"
    if len(inner) <= _WIDTH - 12:
        return f"{head}(\n            {inner}\n        )"
    rows = "".join(f"            {argument},\n" for argument in arguments)
    return f"{head}(\n{rows}        )"


def _quoted(text: str) -> str:
    """A string literal, in double quotes unless it contains more double than single quotes."""
    literal = json.dumps(text, ensure_ascii=False)
    if text.count('"') <= text.count("'"):
        return literal
    inner = literal[1:-1].replace('\\"', '"').replace("'", "\\'")
    return f"'{inner}'"


def _spaced(definitions: Sequence[str]) -> str:
    """Definitions with the blank lines that formatters put before them: two around classes and functions."""
    text, plain = "", True
    for definition in definitions:
        was_plain, plain = plain, not re.search(r"^(class|def) ", definition, re.MULTILINE)
        text += ("\n" if plain and was_plain else "\n\n") + definition + "\n"
    return text


def _class_name(net: str, taken: set[str]) -> str:
    words = re.findall(r"[A-Za-z0-9]+", net)
    name = "".join(word[0].upper() + word[1:] for word in words)
    if not name or not name[0].isalpha():
        name = f"Net{name}"
    while name in taken or keyword.iskeyword(name):
        name += "Net"
    return name


def _about(net: CaffeNet, name: str) -> str:
    """The docstring: the net, its origin, its inputs and its outputs."""
    title = f"{name}, the Caffe net {net.definition().name!r}." if net.definition().name else f"{name}, a Caffe net."
    lines = [title, "", *_origin(net), ""]
    for blob in net.inputs:
        lines += _wrapped(f"Input {blob}: {net.shapes[blob]}{pixels_in_words(net.preprocessing.get(blob))}.")
    lines += [line for blob in net.outputs for line in _wrapped(f"Output {blob}: {net.shapes[blob]}.")]
    # Names are untrusted: they must neither end the docstring nor escape anything in it.
    return "\n".join(map(printable, lines)).replace("\\", "\\\\").replace('"', '\\"')


def _origin(net: CaffeNet) -> list[str]:
    """The file that the net was read from, with its hash if the file still exists."""
    if net.source is None:
        return ["Written by fcnkit."]
    if not net.source.is_file():
        return [f"Written by fcnkit from {net.source.name}."]
    with net.source.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return [f"Written by fcnkit from {net.source.name}", f"(SHA-256 {digest})."]


def _wrapped(text: str) -> list[str]:
    return textwrap.wrap(text, _WIDTH - 4, subsequent_indent="    ")
