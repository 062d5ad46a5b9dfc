"""Caffe's messages and enums by name, laid out like a module that protoc generates.

They exist only at run time; messages.pyi, written by `make proto`, describes them to editors and type checkers.
"""

from __future__ import annotations

from google.protobuf.internal.enum_type_wrapper import EnumTypeWrapper

from fcnkit.caffe.schema import FILE, message_class

for _name in FILE.message_types_by_name:
    globals()[_name] = message_class(_name)
for _name, _enum in FILE.enum_types_by_name.items():
    globals()[_name] = EnumTypeWrapper(_enum)
    globals().update({_value.name: _value.number for _value in _enum.values})
