"""The data of a target: the layers it takes, the limits of each, and the documents that state them."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fcnkit.types import all_types


@dataclass(frozen=True)
class Limit:
    """A limit on the layers of a target.

    Attributes:
        of: the measure or the field that is limited (see `fcnkit.export.targets.measures`).
        layers: the layer types that it is about; empty for all.
        when: further conditions: values that measures or fields must all have for the limit to apply.
        least, most: bounds, None for none.
        one_of: the values that are allowed, None for any.
        whole: whether only whole numbers are allowed.
        slow: whether layers outside of the limit are computed nevertheless, on a slower processor.
        way_out: the change to a net that keeps it within the limit.
        source: the document, a key of the target's sources.
    """

    of: str
    source: str
    way_out: str
    layers: frozenset[str] = frozenset()
    when: Mapping[str, Sequence[Any]] | None = None
    least: float | None = None
    most: float | None = None
    one_of: tuple[Any, ...] | None = None
    whole: bool = False
    slow: bool = False

    def admits(self, value: Any) -> bool:
        if self.one_of is not None:
            return value in self.one_of
        above = self.least is None or value >= self.least
        below = self.most is None or value <= self.most
        return above and below and (not self.whole or value == int(value))

    def __str__(self) -> str:
        if self.one_of is not None:
            *words, last = map(_word, self.one_of)
            return f"{', '.join(words)} or {last}" if words else last
        if self.least is None or self.most is None:
            bound = f"at most {self.most:g}" if self.least is None else f"at least {self.least:g}"
            return f"{bound}, whole numbers" if self.whole else bound
        return f"{self.least:g} to {self.most:g}"


@dataclass(frozen=True)
class Refused:
    """Layer types that a target's reader refuses or misreads, with the reason."""

    layers: frozenset[str]
    reason: str
    way_out: str
    source: str


@dataclass(frozen=True)
class Field:
    """A field that a target lacks.

    Attributes:
        name: as `pooling_param.round_mode`.
        neutral: the values at which it makes no difference.
        known: False if no document was found that states whether the target has it.
        way_out: the change to a net that needs no such field.
        source: the document.
    """

    name: str
    neutral: tuple[Any, ...]
    known: bool
    way_out: str
    source: str


@dataclass(frozen=True)
class Spelling:
    """A way of writing that a target needs and that changes no value (see `fcnkit.export.targets.spelling`)."""

    name: str
    source: str
    value: int | None = None


@dataclass(frozen=True)
class Target:
    """A Caffe, or a tool that reads Caffe's files.

    Attributes:
        name: as given to `from_torch`.
        title: in sentences.
        sources: the documents, by the keys that the other fields use.
        layers: the names of the layer types that it has.
        others: types that it has and fcnkit does not.
        complete: whether the layers are all that it has; otherwise nothing is known of the others.
        list_source: the document that lists the layers.
        refused: types that its reader refuses or misreads, with reasons.
        fields: the fields of layers that it lacks.
        limits: the limits on layers.
        spellings: the ways of writing that it needs.
        types_not_known: types that no document states, though the list is complete otherwise.
        not_known: facts that no document was found for, as sentences.
    """

    name: str
    title: str
    sources: Mapping[str, str]
    layers: frozenset[str]
    others: frozenset[str]
    complete: bool
    list_source: str
    refused: tuple[Refused, ...]
    fields: tuple[Field, ...]
    limits: tuple[Limit, ...]
    spellings: tuple[Spelling, ...]
    types_not_known: frozenset[str]
    not_known: tuple[str, ...]

    def cited(self) -> set[str]:
        """The sources that its facts name."""
        facts: tuple[Refused | Field | Limit | Spelling, ...]
        facts = (*self.refused, *self.fields, *self.limits, *self.spellings)
        return {self.list_source, *(fact.source for fact in facts)}

    def has(self, kind: str) -> bool:
        """Whether it has a layer type, or a field of one: "Clip", "pooling_param.round_mode"."""
        if "." in kind:
            return all(field.name != kind for field in self.fields)
        return kind in self.layers or kind in self.others


def read(path: Path) -> Target:
    """The target of a data file.

    Raises:
        ValueError: the file misses an entry, has an unknown one, or names a source that it does not list.
    """
    data = tomllib.loads(path.read_text(encoding="utf-8"))
    try:
        target = _target(path.stem, data)
    except (KeyError, TypeError) as error:
        raise ValueError(f"{path.name}: {error}") from None
    for source in target.cited():
        if source not in target.sources:
            raise ValueError(f"{path.name}: the source {source!r} is not listed")
    return target


def _target(name: str, data: dict[str, Any]) -> Target:
    layers = data["layers"]
    own = frozenset(layers.get("has", ()))
    if layers.get("all_of_bvlc"):
        own |= {record.name for record in all_types() if not record.of_fork} - set(layers.get("without", ()))
    return Target(
        name=name,
        title=data["title"],
        sources=data["sources"],
        layers=own,
        others=frozenset(layers.get("others", ())),
        complete=layers["complete"],
        list_source=layers["source"],
        refused=tuple(Refused(**_sets(each)) for each in data.get("refused", ())),
        fields=tuple(
            Field(**{"known": True, "neutral": (), "way_out": "", **_sets(each)}) for each in data.get("fields", ())
        ),
        limits=tuple(Limit(**{"way_out": "", **_sets(each)}) for each in data.get("limits", ())),
        spellings=tuple(Spelling(**each) for each in data.get("spellings", ())),
        types_not_known=frozenset(layers.get("not_known", ())),
        not_known=tuple(data.get("not_known", ())),
    )


def _sets(entry: dict[str, Any]) -> dict[str, Any]:
    """An entry of the file, with its lists as what the records have."""
    kinds = {"layers": frozenset, "one_of": tuple, "neutral": tuple}
    return {key: kinds[key](value) if key in kinds else value for key, value in entry.items()}


def _word(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
