# Copyright 2026 The vidseg_ros Authors
#
# Licensed under the Apache License, Version 2.0 (the "License");
# you may not use this file except in compliance with the License.
# You may obtain a copy of the License at
#
#     http://www.apache.org/licenses/LICENSE-2.0
#
# Unless required by applicable law or agreed to in writing, software
# distributed under the License is distributed on an "AS IS" BASIS,
# WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
# See the License for the specific language governing permissions and
# limitations under the License.
"""
Copies of messages that are what a round trip through CDR would give, without the bytes.

One function per message is generated on first use, in the manner of `cdr`: numbers pass through
one `struct` each way, so that they are rounded, cut and refused as on the wire; text and bytes
cannot change and are shared; arrays of numbers are copied at once.
"""

import array
import struct
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
from rosidl_parser.definition import (
    AbstractGenericString,
    AbstractNestedType,
    AbstractType,
    AbstractWString,
    Array,
    BasicType,
    NamespacedType,
)

from standalone_ros import cdr, interfaces
from standalone_ros.message_class import packed_typecode
from standalone_ros.structures import EMPTY_MEMBER, full_name, structure


def _text(value: Any) -> str:
    if type(value) is str and value.isascii() and '\0' not in value:
        return value
    data = cdr.encode_text(value)
    return cdr.decode_text(memoryview(data), len(data), len(data))


def _wide(value: Any) -> str:
    data = cdr.encode_wide(value)
    return cdr.decode_wide(memoryview(data), 0, len(data) >> 2, '<')


def _numbers(value: Any, code: str) -> Any:
    if type(value) is array.array and value.typecode == code:
        return value[:]
    made = array.array(code)
    made.frombytes(memoryview(value).cast('B'))
    return made


def _fixed(value: Any, dtype: Any, size: int) -> np.ndarray:
    return np.frombuffer(cdr.fixed(value, dtype, size), dtype).copy()


class _Copier(cdr.Source):
    """Generates `copy(m) -> n`."""

    def __init__(self, *, truncate: bool) -> None:
        super().__init__()
        self.truncate = truncate
        self.values: list[str] = []
        self.names.update(text=_text, wide=_wide, numbers=_numbers, fixed=_fixed)

    def flush(self) -> None:
        if self.run:
            packed = struct.Struct('<' + ''.join(code for code, _ in self.run))
            targets = ', '.join(target for _, target in self.run)
            name = self.bind('run', packed)
            self.emit(f'{targets}, = {name}.unpack({name}.pack({", ".join(self.values)}))')
            self.run, self.values = [], []

    def message(self, name: str, value: str, made: str) -> None:
        cls = self.bind('cls', interfaces.get_class(name))
        self.emit(f'{made} = {cls}.__new__({cls}); {made}._check_fields = CHECK')
        for field, type_ in structure(name).fields:
            if field != EMPTY_MEMBER:
                self.field(type_, f'{value}._{field}', f'{made}._{field}')

    def field(self, type_: AbstractType, value: str, target: str) -> None:
        if isinstance(type_, BasicType):
            code = cdr.FORMATS[type_.typename]
            self.run.append((code, target))
            self.values.append(self.truncated(code, value) if self.truncate else value)
        elif isinstance(type_, NamespacedType):
            inner, made = self.new(), self.new()
            self.emit(f'{inner} = {value}')
            self.message(full_name(type_), inner, made)
            self.emit(f'{target} = {made}')
        elif isinstance(type_, AbstractGenericString):
            self.emit(f'{target} = {self.one_text(type_)}({value})')
        else:
            assert isinstance(type_, AbstractNestedType)
            self.emit(f'{target} = {self.nested(type_, value)}')

    @staticmethod
    def one_text(type_: AbstractType) -> str:
        return 'wide' if isinstance(type_, AbstractWString) else 'text'

    def nested(self, type_: AbstractNestedType, value: str) -> str:
        code, element = packed_typecode(type_), type_.value_type
        if isinstance(type_, Array):
            if code:
                return f'fixed({value}, {self.bind("dtype", np.dtype(code))}, {type_.size})'
            value = f'counted({value}, {type_.size})'
        if code:
            return f"numbers({value}, '{code}')"
        if isinstance(element, NamespacedType):
            one = self.bind('copy', _copier(full_name(element), self.truncate))
        elif isinstance(element, BasicType):
            one = 'bool' if element.typename == 'boolean' else 'octet'
        else:
            one = self.one_text(element)
        return f'[{one}(item) for item in {value}]'


@cache
def _copier(name: str, truncate: bool) -> Callable[[Any], Any]:
    source = _Copier(truncate=truncate)
    source.message(name, 'm', 'n')
    source.flush()
    source.emit('return n')
    return source.compile('def copy(m):', f'copier of {name}')


def copy_message(message: Any) -> Any:
    """Return what a subscription would get of `message`; raises what serialize() would."""
    name = interfaces.type_name(type(message))
    return cdr.as_c_would(lambda truncate: _copier(name, truncate)(message))
