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
"""Messages of any type with random content."""

import random
import string

from rosidl_parser.definition import (
    AbstractGenericString,
    AbstractNestedType,
    Array,
    BasicType,
)
from rosidl_runtime_py.utilities import get_interface

TEXTS = ['', 'x', 'plain text', 'grüße', '漢字🚗', 'line\nline']


def _number(rng, name):
    if name == 'boolean':
        return rng.random() < 0.5
    if name == 'octet':
        return bytes([rng.randrange(256)])
    if name in ('float', 'double'):
        # Halves of small integers are exact in either.
        return rng.randrange(-2**20, 2**20) / 2
    bits = int(name.lstrip('uint'))
    return rng.randrange(2**bits) - (0 if name[0] == 'u' else 2**(bits - 1))


def _value(rng, type_):
    if isinstance(type_, AbstractNestedType):
        limit = getattr(type_, 'maximum_size', 4)
        size = type_.size if isinstance(type_, Array) else rng.randrange(min(limit, 4) + 1)
        return [_value(rng, type_.value_type) for _ in range(size)]
    if isinstance(type_, AbstractGenericString):
        longest = getattr(type_, 'maximum_size', None)
        text = rng.choice([*TEXTS, rng.choice(string.ascii_letters) * rng.randrange(100)])
        # The bounds count characters, those of wide strings units of 16 bits.
        return text if longest is None else text.encode('ascii', 'ignore').decode()[:longest]
    if isinstance(type_, BasicType):
        return _number(rng, type_.typename)
    return fill(rng, get_interface('/'.join(type_.namespaced_name())))


def fill(rng: random.Random, cls: type):
    """Return a message of class `cls`."""
    message = cls()
    for slot, type_ in zip(message.__slots__, cls.SLOT_TYPES, strict=False):
        setattr(message, slot[1:], _value(rng, type_))
    return message
