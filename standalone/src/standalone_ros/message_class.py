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
"""Message classes that behave as those of rosidl_generator_py (Jazzy), made from a `Structure`.

`__init__` is written out as source and compiled once per class: messages are made often, and
generic loops over fields would cost several times as much.
"""

from __future__ import annotations

import array
import os
from collections import UserList, UserString
from collections.abc import Callable, Sequence, Set
from operator import attrgetter
from typing import Any

import numpy as np
from rosidl_parser.definition import (
    AbstractGenericString,
    AbstractNestedType,
    AbstractSequence,
    AbstractType,
    Array,
    BasicType,
    NamespacedType,
)

from standalone_ros.structures import Structure, full_name, type_text

TYPECODES = {'int8': 'b', 'uint8': 'B', 'int16': 'h', 'uint16': 'H', 'int32': 'i', 'uint32': 'I',
             'int64': 'q', 'uint64': 'Q', 'float': 'f', 'double': 'd'}
DTYPES: dict[str, Any] = {
    'int8': np.int8, 'uint8': np.uint8, 'int16': np.int16, 'uint16': np.uint16, 'int32': np.int32,
    'uint32': np.uint32, 'int64': np.int64, 'uint64': np.uint64, 'float': np.float32,
    'double': np.float64}
FLOAT_BOUNDS = {'float': 3.402823466e+38, 'double': 1.7976931348623157e+308}

# As rosidl: fields are checked on assignment only on demand.
CHECK_FIELDS = os.getenv('ROS_PYTHON_CHECK_FIELDS', default='') == '1'


def packed_typecode(type_: AbstractType) -> str | None:
    """Return the array typecode of a sequence or array of numbers, else None."""
    if isinstance(type_, AbstractNestedType) and isinstance(type_.value_type, BasicType):
        return TYPECODES.get(type_.value_type.typename)
    return None


def _python_type(type_: AbstractType, find: Callable[[str], type]) -> type:
    if isinstance(type_, NamespacedType):
        return find(full_name(type_))
    if isinstance(type_, AbstractGenericString):
        return str
    assert isinstance(type_, BasicType)
    return {'boolean': bool, 'octet': bytes, 'float': float, 'double': float}.get(
        type_.typename, int)


def _bounds(type_: AbstractType) -> tuple[str, float, float, str] | None:
    """Return noun, limits and their text for a number type."""
    name = type_.typename if isinstance(type_, BasicType) else ''
    if name in FLOAT_BOUNDS:
        limit = FLOAT_BOUNDS[name]
        text = f'{limit:f}' if name == 'double' else '3.402823466e+38'
        return name, -limit, limit, f'[-{text}, {text}]'
    if 'int' not in name:
        return None
    bits = int(name.lstrip('uint'))
    low, high = (0, 2**bits - 1) if name[0] == 'u' else (-2**(bits - 1), 2**(bits - 1) - 1)
    return 'unsigned integer' if name[0] == 'u' else 'integer', low, high, f'[{low}, {high}]'


def _inside(value: Any, bounds: tuple[str, float, float, str]) -> bool:
    # NaN and the infinities are valid floats.
    return bounds[1] <= value <= bounds[2] or (
        isinstance(value, float) and (value != value or value in {float('inf'), float('-inf')}))


def _scalar_check(name: str, type_: AbstractType, python: type) -> Callable[[Any], None]:
    bounds = _bounds(type_)
    maximum = getattr(type_, 'maximum_size', None)

    def check(value: Any) -> None:
        if isinstance(type_, NamespacedType):
            right, text = isinstance(value, python), f"a sub message of type '{type_.name}'"
        elif maximum is not None:
            right = isinstance(value, str | UserString) and len(value) <= maximum
            text = f'string value not longer than {maximum}'
        elif python is bytes:
            right = isinstance(value, bytes | bytearray) and len(value) == 1
            text = "of type 'bytes' or 'ByteString' with length 1"
        else:
            right, text = isinstance(value, python), f"of type '{python.__name__}'"
        if not right:
            raise AssertionError(f"The '{name}' field must be {text}")
        if bounds and not _inside(value, bounds):
            article = 'an' if bounds[0][0] in 'iu' else 'a'
            raise AssertionError(
                f"The '{name}' field must be {article} {bounds[0]} in {bounds[3]}")

    return check


def _nested_check(name: str, type_: AbstractNestedType, python: type) -> Callable[[Any], None]:
    element = type_.value_type
    bounds = _bounds(element)
    words = ['a set or sequence']
    size = getattr(type_, 'size', None)
    maximum = getattr(type_, 'maximum_size', None)
    longest = getattr(element, 'maximum_size', None)
    if size is not None:
        words.append(f'with length {size}')
    elif maximum is not None:
        words.append(f'with length <= {maximum}')
    if longest is not None:
        words.append(f'and each string value not longer than {longest}')
    words.append(f"and each value of type '{python.__name__}'")
    if bounds:
        words.append(f'and each {bounds[0]} in {bounds[3]}')

    def check(value: Any) -> None:
        if not (isinstance(value, Sequence | Set | UserList)
                and not isinstance(value, str | UserString)
                and (longest is None or all(len(item) <= longest for item in value))
                and (maximum is None or len(value) <= maximum)
                and (size is None or len(value) == size)
                and all(isinstance(item, python) for item in value)
                and (not bounds or all(_inside(item, bounds) for item in value))):
            raise AssertionError(f"The '{name}' field must be {' '.join(words)}")

    return check


def _array_setter(name: str, type_: Array, check: Callable[[Any], None]) -> Callable:
    assert isinstance(type_.value_type, BasicType)
    dtype = DTYPES[type_.value_type.typename]
    slot = f'_{name}'

    def assign(self: Any, value: Any) -> None:
        if self._check_fields:
            if isinstance(value, np.ndarray):
                if value.dtype != dtype:
                    raise AssertionError(f"The '{name}' numpy.ndarray() must have the dtype of "
                                         f"'numpy.{dtype.__name__}'")
                if value.size != type_.size:
                    raise AssertionError(
                        f"The '{name}' numpy.ndarray() must have a size of {type_.size}")
                setattr(self, slot, value)
                return
            check(value)
        setattr(self, slot, np.array(value, dtype=dtype))

    return assign


def _sequence_setter(name: str, type_: AbstractSequence, check: Callable[[Any], None]) -> Callable:
    assert isinstance(type_.value_type, BasicType)
    code = TYPECODES[type_.value_type.typename]
    maximum = getattr(type_, 'maximum_size', None)
    dtype = DTYPES[type_.value_type.typename]
    slot = f'_{name}'

    def assign(self: Any, value: Any) -> None:
        if self._check_fields:
            if isinstance(value, array.array):
                if value.typecode != code:
                    raise AssertionError(
                        f"The '{name}' array.array() must have the type code of '{code}'")
                if maximum is not None and len(value) > maximum:
                    raise AssertionError(
                        f"The '{name}' array.array() must have a size <= {maximum}")
                setattr(self, slot, value)
                return
            check(value)
        if isinstance(value, np.ndarray) and value.dtype == dtype and value.ndim == 1:
            # The same result as element by element, in one copy.
            made = array.array(code)
            made.frombytes(np.ascontiguousarray(value).data.cast('B') if value.size else b'')
        elif code == 'B' and isinstance(value, memoryview) and value.contiguous \
                and value.format == 'B' and value.ndim == 1:
            made = array.array(code)
            made.frombytes(value)
        else:
            made = array.array(code, value)
        setattr(self, slot, made)

    return assign


def _plain_setter(name: str, check: Callable[[Any], None]) -> Callable:
    slot = f'_{name}'

    def assign(self: Any, value: Any) -> None:
        if self._check_fields:
            check(value)
        setattr(self, slot, value)

    return assign


def _field_property(name: str, type_: AbstractType, find: Callable[[str], type]) -> property:
    if isinstance(type_, AbstractNestedType):
        check = _nested_check(name, type_, _python_type(type_.value_type, find))
        if packed_typecode(type_) is None:
            setter = _plain_setter(name, check)
        elif isinstance(type_, Array):
            setter = _array_setter(name, type_, check)
        else:
            assert isinstance(type_, AbstractSequence)
            setter = _sequence_setter(name, type_, check)
    else:
        setter = _plain_setter(name, _scalar_check(name, type_, _python_type(type_, find)))
    return property(attrgetter(f'_{name}'), setter, doc=f"Message field '{name}'.")


def _default(type_: AbstractType, names: dict[str, Any], find: Callable[[str], type]) -> str:
    """Write the expression of a fresh default value, putting what it uses into `names`."""
    if isinstance(type_, NamespacedType):
        key = f't_{type_.namespaces[0]}_{type_.namespaces[1]}_{type_.name}'
        names[key] = find(full_name(type_))
        return f'{key}()'
    code = packed_typecode(type_)
    if isinstance(type_, Array):
        if code:
            names[f'dtype_{code}'] = np.dtype(code)
            return f'zeros({type_.size}, dtype_{code})'
        return f'[{_default(type_.value_type, names, find)} for _ in range({type_.size})]'
    if isinstance(type_, AbstractSequence):
        return f"array('{code}')" if code else '[]'
    if isinstance(type_, AbstractGenericString):
        return "''"
    assert isinstance(type_, BasicType)
    return {'boolean': 'False', 'octet': "b'\\0'", 'float': '0.0', 'double': '0.0'}.get(
        type_.typename, '0')


def _init(made: Structure, class_name: str, find: Callable[[str], type]) -> Callable:
    names: dict[str, Any] = {'zeros': np.zeros, 'array': array.array, 'CHECK': CHECK_FIELDS,
                             'check_names': _check_names, 'fixed': _fixed_argument}
    lines = ['def __init__(self, **kwargs):',
             "    self._check_fields = kwargs.pop('check_fields', CHECK)",
             '    if kwargs and self._check_fields: check_names(self, kwargs)']
    for name, type_ in made.members:
        value = repr(made.defaults[name]) if name in made.defaults else _default(
            type_, names, find)
        given = f"kwargs['{name}']"
        if isinstance(type_, Array) and packed_typecode(type_):
            assert isinstance(type_.value_type, BasicType)
            names[f'kind_{name}'] = DTYPES[type_.value_type.typename]
            given = f'fixed({given}, kind_{name}, {type_.size})'
        lines += [f"    if '{name}' in kwargs: self.{name} = {given}",
                  f'    else: self._{name} = {value}']
    exec('\n'.join(lines), names)
    init = names['__init__']
    init.__qualname__ = f'{class_name}.__init__'
    return init


def _check_names(self: Any, kwargs: dict[str, Any]) -> None:
    unknown = sorted(key for key in kwargs if f'_{key}' not in self.__slots__)
    if unknown:
        raise AssertionError(f'Invalid arguments passed to constructor: {", ".join(unknown)}')


def _fixed_argument(value: Any, dtype: Any, size: int) -> np.ndarray:
    made = np.array(value, dtype=dtype)
    if made.shape != (size,):
        raise AssertionError
    return made


def _repr(self: Any) -> str:
    words = []
    for slot, type_ in zip(self.__slots__, self.SLOT_TYPES, strict=False):
        value = getattr(self, slot)
        text = repr(value)
        if isinstance(type_, AbstractSequence) and packed_typecode(type_):
            text = '[]' if not len(value) else repr(value.tolist()) if isinstance(
                value, array.array) else text
        words.append(f'{slot[1:]}={text}')
    package, kind, _ = self.__class__.__module__.split('.')
    return f'{package}.{kind}.{self.__class__.__name__}({", ".join(words)})'


def _eq(made: Structure) -> Callable:
    slots = [(f'_{name}', isinstance(type_, Array) and packed_typecode(type_) is not None)
             for name, type_ in made.members]

    def __eq__(self: Any, other: object) -> bool:
        if not isinstance(other, self.__class__):
            return False
        for slot, numeric in slots:
            differs = getattr(self, slot) != getattr(other, slot)
            # As rosidl_generator_py writes it: number arrays differ where all elements differ.
            if np.all(differs) if numeric else differs:
                return False
        return True

    return __eq__


def _fields_and_types(cls: Any) -> dict[str, str]:
    return dict(cls._fields_and_field_types)


def _constant(value: Any) -> Callable[[type], Any]:
    return lambda cls: value


def metaclass(name: str, class_name: str, module: str, constants: dict[str, Any]) -> type:
    """Make the metaclass of an interface: it holds its constants and knows its full name."""
    namespace: dict[str, Any] = {
        '_TYPE_SUPPORT': name, '_interface_name': name, '__module__': module,
        '__import_type_support__': classmethod(lambda cls: None)}
    for key, value in constants.items():
        namespace[key] = property(_constant(value))
    return type(f'Metaclass_{class_name}', (type,), namespace)


def make_message_class(made: Structure, module: str, find: Callable[[str], type]) -> type:
    """Make the class of a message.

    `find` gives the classes of other messages by full name; `module` becomes `__module__`.
    """
    class_name = made.name.rpartition('/')[2]
    constants = {key: bytes([value]) if kind == 'byte' else value
                 for key, kind, value in made.constants}
    constants.update((f'{key.upper()}__DEFAULT', value) for key, value in made.defaults.items())
    namespace: dict[str, Any] = {
        **constants,
        '__module__': module,
        '__doc__': f"Message class '{class_name}'.",
        '__slots__': [*(f'_{name}' for name, _ in made.members), '_check_fields'],
        '_fields_and_field_types': {name: type_text(type_) for name, type_ in made.members},
        'SLOT_TYPES': tuple(type_ for _, type_ in made.members),
        '__init__': _init(made, class_name, find),
        '__repr__': _repr,
        '__eq__': _eq(made),
        '__hash__': None,
        'get_fields_and_field_types': classmethod(_fields_and_types),
    }
    for name, type_ in made.members:
        namespace[name] = _field_property(name, type_, find)
    return metaclass(made.name, class_name, module, constants)(class_name, (), namespace)
