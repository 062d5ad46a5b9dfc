"""Fields of a solver's prototxt, given as text by name."""

from __future__ import annotations

import re
from collections.abc import Mapping

from fcnkit.caffe import prototxt
from fcnkit.caffe.messages import SolverParameter
from fcnkit.errors import DefinitionError, PrototxtError, nearest


def parsed(name: str, value: str) -> SolverParameter:
    """A solver of one field.

    Args:
        name: of the field.
        value: as in a prototxt; the quotes of text may be left out.

    Raises:
        DefinitionError: a solver has no such field, or the value is not one of it.
    """
    if name not in SolverParameter.DESCRIPTOR.fields_by_name:
        hint = nearest(name, SolverParameter.DESCRIPTOR.fields_by_name)
        raise DefinitionError(f"{name!r} is not a field of a solver{hint or ', such as base_lr or max_iter'}")
    for text in (value, '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'):
        try:
            solver = prototxt.parse(f"{name}: {text}", "SolverParameter")
        except PrototxtError:
            continue
        if {field.name for field, _ in solver.ListFields()} == {name}:
            return solver
    raise DefinitionError(f"{value[:80]!r} is not a value of the solver's field {name!r}")


def change(solver: SolverParameter, values: Mapping[str, str]) -> None:
    """Replace fields of a solver by values as text, such as base_lr: "1e-4" or type: "Adam".

    Raises:
        DefinitionError: as in `parsed`.
    """
    for name, value in values.items():
        given = parsed(name, value)
        solver.ClearField(name)  # type: ignore[arg-type]
        solver.MergeFrom(given)


def changed(text: str, values: Mapping[str, str]) -> str:
    """The text of a solver with fields replaced where they stand, or added at the end; comments are kept.

    Raises:
        DefinitionError: as in `parsed`.
    """
    for name, value in values.items():
        line = prototxt.to_text(parsed(name, value))
        before, *after = re.split(rf"(?m)^{name}:.*\n", text)
        text = before + line + "".join(after) if after else text + line
    return text
