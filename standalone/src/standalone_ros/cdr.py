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
"""Plain CDR (XCDR1) of messages: what rmw serialises, byte for byte.

One writer and one reader function per message is generated as source on first use. Runs of
numbers go through one `struct` call each (one of eight, by alignment), nested messages are
written inline, and large arrays are copied once each way. Numbers are written little endian;
big-endian input is read, too.
"""

from __future__ import annotations

import array
import ctypes
import struct
import sys
from collections.abc import Callable
from functools import cache
from typing import Any, Literal

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

from standalone_ros import interfaces
from standalone_ros.message_class import CHECK_FIELDS, TYPECODES, packed_typecode
from standalone_ros.structures import EMPTY_MEMBER, Structure, full_name, structure

if sys.byteorder != 'little':
    raise NotImplementedError('big-endian hosts are not supported')

FORMATS = {**TYPECODES, 'boolean': '?', 'octet': 'c'}
HEADER = b'\x00\x01\x00\x00'
PADDING = [bytes(count) for count in range(8)]
U32 = struct.Struct('<I')

# How C truncates a value that does not fit.
_CASTS = {'b': ctypes.c_int8, 'B': ctypes.c_uint8, 'h': ctypes.c_int16, 'H': ctypes.c_uint16,
          'i': ctypes.c_int32, 'I': ctypes.c_uint32, 'q': ctypes.c_int64, 'Q': ctypes.c_uint64,
          'f': ctypes.c_float, 'd': ctypes.c_double}


class CdrError(ValueError):
    """The bytes are not a CDR encoding of the message."""


def _runs(formats: str, order: str) -> tuple[struct.Struct, ...]:
    """Make the structs of a run of numbers for each of the eight alignments of its start."""
    made = []
    for start in range(8):
        text, position = order, start
        for code in formats:
            size = struct.calcsize(f'<{code}')
            padding = -position % size
            text += 'x' * padding + code
            position += padding + size
        made.append(struct.Struct(text))
    return tuple(made)


def encode_text(value: Any) -> bytes:
    if not isinstance(value, str):
        raise TypeError('bad argument type for built-in operation')
    data = value.encode()
    # A C string ends at its first NUL.
    return data[:data.index(0) + 1] if 0 in data else data + b'\0'


def encode_wide(value: Any) -> bytes:
    if not isinstance(value, str):
        raise TypeError('bad argument type for built-in operation')
    units = array.array('H', value.encode('utf-16-le'))
    return array.array('I', units.tolist()).tobytes()


def decode_text(buffer: memoryview, end: int, count: int) -> str:
    if not count:
        return ''
    # The slice is empty where the buffer ends early, so that this cannot pass.
    if buffer[end - 1:end] != b'\0':
        raise CdrError('a string is cut short or not null-terminated')
    text = str(buffer[end - count:end - 1], 'utf-8', 'replace')
    return text[:text.index('\0')] if '\0' in text else text


def decode_wide(buffer: memoryview, start: int, count: int, order: str) -> str:
    if start + 4 * count > len(buffer):
        raise CdrError('a wide string is cut short')
    units = np.frombuffer(buffer, f'{order}u4', count, start)
    if count and int(units.max()) > 0xFFFF:
        raise CdrError('a wide string holds more than 16 bits a character')
    return units.astype('<u2').tobytes().decode('utf-16-le', 'replace')


def fixed(value: Any, dtype: Any, size: int) -> bytes:
    made = np.ascontiguousarray(value, dtype)
    if made.size != size:
        raise ValueError(f'a fixed array has {made.size} elements instead of {size}')
    return made.tobytes()


def _octet(value: Any) -> bytes:
    if not isinstance(value, bytes | bytearray) or len(value) != 1:
        raise TypeError("an octet must be of type 'bytes' with length 1")
    return bytes(value)


def _counted(values: Any, size: int) -> Any:
    if len(values) != size:
        raise ValueError(f'a fixed array has {len(values)} elements instead of {size}')
    return values


def _numbers(buffer: memoryview, position: int, count: int, code: str, order: str) -> Any:
    made = array.array(code)
    size = count * made.itemsize
    if position + size > len(buffer):
        raise CdrError('a sequence is longer than the data')
    made.frombytes(buffer[position:position + size])
    if order == '>':
        made.byteswap()
    return made


def _has(buffer: memoryview, position: int, count: int, smallest: int) -> int:
    """Refuse a length that the rest of the data cannot hold, before anything is made for it."""
    if count * smallest > len(buffer) - position:
        raise CdrError('a sequence is longer than the data')
    return count


@cache
def _smallest(name: str) -> int:
    return sum(_smallest_field(type_) for _, type_ in structure(name).fields)


def _smallest_field(type_: AbstractType) -> int:
    if isinstance(type_, Array):
        return type_.size * _smallest_field(type_.value_type)
    if isinstance(type_, AbstractNestedType | AbstractGenericString):
        return 4
    if isinstance(type_, NamespacedType):
        return _smallest(full_name(type_))
    assert isinstance(type_, BasicType)
    return struct.calcsize(f'<{FORMATS[type_.typename]}')


class Source:
    """Collects the lines of a generated function and the names that it uses."""

    def __init__(self, order: Literal['<', '>'] = '<') -> None:
        self.order: Literal['<', '>'] = order
        self.lines: list[str] = []
        self.indent = 1
        self.run: list[tuple[str, str]] = []
        self.count = 0
        self.names: dict[str, Any] = {
            'array': array.array, 'PAD': PADDING, 'u32': U32, 'text': encode_text,
            'wide': encode_wide, 'fixed': fixed, 'octet': _octet, 'counted': _counted,
            'read_text': decode_text, 'read_wide': decode_wide, 'numbers': _numbers,
            'has': _has, 'frombuffer': np.frombuffer, 'CHECK': CHECK_FIELDS, 'order': order,
            'pack_u32': U32.pack}

    def emit(self, line: str) -> None:
        self.lines.append('    ' * self.indent + line)

    def new(self, prefix: str = 'v') -> str:
        self.count += 1
        return f'{prefix}{self.count}'

    def bind(self, prefix: str, value: Any) -> str:
        name = self.new(prefix)
        self.names[name] = value
        return name

    def truncated(self, code: str, value: str) -> str:
        """Write the expression of a number cut to its type."""
        if code in _CASTS:
            return f'{self.bind("cast", _CASTS[code])}({value}).value'
        return f'octet({value})' if code == 'c' else value

    def struct_run(self) -> tuple[str, str]:
        """End the run of numbers: return the name of its structs, and its values."""
        formats = ''.join(code for code, _ in self.run)
        values = ', '.join(value for _, value in self.run)
        self.run = []
        return self.bind('run', _runs(formats, self.order)), values

    def compile(self, head: str, title: str) -> Callable:
        exec(compile('\n'.join([head, *self.lines]), f'<{title}>', 'exec'), self.names)
        return self.names[head.split('(')[0].removeprefix('def ')]


class _Writer(Source):
    """Generates `write(m, add, pos) -> pos`: adds the pieces of message `m` from offset `pos`."""

    def __init__(self, *, truncate: bool) -> None:
        super().__init__()
        self.truncate = truncate

    def number(self, code: str, value: str) -> None:
        self.run.append((code, self.truncated(code, value) if self.truncate else value))

    def flush(self) -> None:
        if self.run:
            run, values = self.struct_run()
            self.emit(f's = {run}[pos & 7]; add(s.pack({values})); pos += s.size')

    def align(self, size: int) -> None:
        if size > 1:
            self.emit(f'r = -pos & {size - 1}')
            self.emit('if r: add(PAD[r]); pos += r')

    def piece(self, name: str, size: str = '') -> None:
        self.flush()
        self.emit(f'add({name}); pos += {size or f"len({name})"}')

    def message(self, made: Structure, variable: str) -> None:
        for name, type_ in made.fields:
            if name == EMPTY_MEMBER:
                self.run.append(('B', '0'))
            else:
                self.field(type_, f'{variable}._{name}')

    def field(self, type_: AbstractType, value: str) -> None:
        if isinstance(type_, BasicType):
            self.number(FORMATS[type_.typename], value)
        elif isinstance(type_, NamespacedType):
            inner = self.new()
            self.emit(f'{inner} = {value}')
            self.message(structure(full_name(type_)), inner)
        elif isinstance(type_, AbstractGenericString):
            made = self.new()
            wide = isinstance(type_, AbstractWString)
            self.emit(f'{made} = {"wide" if wide else "text"}({value})')
            self.run.append(('I', f'len({made}) >> 2' if wide else f'len({made})'))
            self.piece(made)
        else:
            assert isinstance(type_, AbstractNestedType)
            self.nested(type_, value)

    def nested(self, type_: AbstractNestedType, value: str) -> None:
        made = self.new()
        self.emit(f'{made} = {value}')
        code = packed_typecode(type_)
        element = type_.value_type
        if isinstance(type_, Array):
            if code:
                self.emit(f'{made} = fixed({made}, {self.bind("dtype", np.dtype(code))}, '
                          f'{type_.size})')
                self.flush()
                self.align(struct.calcsize(f'<{code}'))
                self.piece(made)
                return
            self.emit(f'counted({made}, {type_.size})')
        else:
            self.run.append(('I', f'len({made})'))
        self.flush()
        if code:
            size = struct.calcsize(f'<{code}')
            self.emit(f'if {made}:')
            self.indent += 1
            self.align(size)
            self.piece(made, f'len({made}) * {size}')
            self.indent -= 1
        elif isinstance(element, BasicType):
            one = 'bytes(map(bool, {}))' if element.typename == 'boolean' else \
                "b''.join(map(octet, {}))"
            self.emit(f'{made} = {one.format(made)}')
            self.piece(made)
        elif isinstance(element, NamespacedType):
            writer = self.bind('write', _writer(full_name(element), self.truncate))
            self.emit(f'for item in {made}: pos = {writer}(item, add, pos)')
        else:
            wide = isinstance(element, AbstractWString)
            self.emit(f'for item in {made}:')
            self.indent += 1
            self.emit(f'item = {"wide" if wide else "text"}(item)')
            self.align(4)
            self.emit(f'add(pack_u32(len(item){" >> 2" if wide else ""})); add(item); '
                      'pos += 4 + len(item)')
            self.indent -= 1


@cache
def _writer(name: str, truncate: bool) -> Callable:
    source = _Writer(truncate=truncate)
    source.message(structure(name), 'm')
    source.flush()
    source.emit('return pos')
    return source.compile('def write(m, add, pos):', f'CDR writer of {name}')


class _Reader(Source):
    """Generates `read(b, pos) -> (message, pos)` for the bytes `b` of a CDR body."""

    def number(self, code: str, target: str) -> None:
        self.run.append((code, target))

    def flush(self) -> None:
        if self.run:
            run, targets = self.struct_run()
            self.emit(f's = {run}[pos & 7]; {targets}, = s.unpack_from(b, pos); pos += s.size')

    def align(self, size: int) -> None:
        if size > 1:
            self.emit(f'pos += -pos & {size - 1}')

    def length(self) -> str:
        name = self.new('n')
        self.run.append(('I', name))
        self.flush()
        return name

    def message(self, made: Structure, variable: str) -> None:
        cls = self.bind('cls', interfaces.get_class(made.name))
        self.emit(f'{variable} = {cls}.__new__({cls}); {variable}._check_fields = CHECK')
        for name, type_ in made.fields:
            if name == EMPTY_MEMBER:
                self.run.append(('B', 'r'))
            else:
                self.field(type_, f'{variable}._{name}')

    def field(self, type_: AbstractType, target: str) -> None:
        if isinstance(type_, BasicType):
            self.number(FORMATS[type_.typename], target)
        elif isinstance(type_, NamespacedType):
            inner = self.new()
            # The values of a run are assigned later; their object must be there by then.
            self.message(structure(full_name(type_)), inner)
            self.emit(f'{target} = {inner}')
        elif isinstance(type_, AbstractGenericString):
            count = self.length()
            if isinstance(type_, AbstractWString):
                self.emit(f'{target} = read_wide(b, pos, {count}, order); pos += 4 * {count}')
            else:
                self.emit(f'pos += {count}; {target} = read_text(b, pos, {count})')
        else:
            assert isinstance(type_, AbstractNestedType)
            self.nested(type_, target)

    def nested(self, type_: AbstractNestedType, target: str) -> None:
        code = packed_typecode(type_)
        element = type_.value_type
        if isinstance(type_, Array):
            self.flush()
            count = str(type_.size)
        else:
            count = self.length()
        if code:
            size = struct.calcsize(f'<{code}')
            if isinstance(type_, Array):
                self.align(size)
                wire = self.bind('dtype', np.dtype(code).newbyteorder(self.order))
                host = self.bind('dtype', np.dtype(code))
                self.emit(f'{target} = frombuffer(b, {wire}, {count}, pos).astype({host})')
                self.emit(f'pos += {type_.size * size}')
                return
            self.emit(f'if {count}:')
            self.indent += 1
            self.align(size)
            self.emit(f"{target} = numbers(b, pos, {count}, '{code}', order); "
                      f'pos += {count} * {size}')
            self.indent -= 1
            self.emit(f"else: {target} = array('{code}')")
            return
        self.emit(f'has(b, pos, {count}, {_smallest_field(element)})')
        if isinstance(element, BasicType):
            one = 'v != 0' if element.typename == 'boolean' else 'bytes((v,))'
            self.emit(f'{target} = [{one} for v in b[pos:pos + {count}]]; pos += {count}')
            return
        made = self.new()
        self.emit(f'{made} = []')
        self.emit(f'for _ in range({count}):')
        self.indent += 1
        if isinstance(element, NamespacedType):
            reader = self.bind('read', _reader(full_name(element), self.order))
            self.emit(f'item, pos = {reader}(b, pos)')
        else:
            self.field(element, 'item')
        self.emit(f'{made}.append(item)')
        self.indent -= 1
        self.emit(f'{target} = {made}')


@cache
def _reader(name: str, order: Literal['<', '>']) -> Callable:
    source = _Reader(order)
    source.message(structure(name), 'm')
    source.flush()
    source.emit('return m, pos')
    return source.compile('def read(b, pos):', f'CDR reader of {name}')


def as_c_would(work: Callable[[bool], Any]) -> Any:
    """Return `work(False)`, or `work(True)`, which truncates, where a number does not fit."""
    try:
        try:
            return work(False)
        except (struct.error, OverflowError):
            return work(True)
    except AttributeError as error:
        # A field holds something else than its message; name the field as users know it.
        raise AttributeError(str(error).replace("attribute '_", "attribute '")) from None


def serialize(msg: Any) -> bytes:
    """Write a message as little-endian CDR with its 4-byte encapsulation header.

    Numbers that do not fit their type are cut as C does. Wrong kinds of values raise TypeError,
    AttributeError or ValueError.
    """
    name = interfaces.type_name(type(msg))

    def write(truncate: bool) -> bytes:
        pieces = [HEADER]
        _writer(name, truncate)(msg, pieces.append, 0)
        return b''.join(pieces)

    return as_c_would(write)


def deserialize(buffer: Any, cls: Any) -> Any:
    """Read a message of class `cls` from any bytes-like object; the buffer is not kept.

    Raises
    ------
    CdrError
        The bytes are not a CDR encoding of the message. Bytes after it are ignored.

    """
    data = memoryview(buffer).cast('B')
    header = bytes(data[:4])
    if len(header) < 4 or header[0] != 0 or header[1] > 1:
        raise CdrError('no CDR encapsulation header')
    name = interfaces.type_name(cls)
    try:
        return _reader(name, '<' if header[1] else '>')(data[4:], 0)[0]
    except CdrError as error:
        raise CdrError(f'{name}: {error}') from None
    except (struct.error, ValueError, OverflowError, MemoryError) as error:
        raise CdrError(f'{name}: {error}') from error
