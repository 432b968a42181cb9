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
"""The types that describe message fields (`SLOT_TYPES`), under rosidl's public names."""

from __future__ import annotations


class AbstractType:
    """A type of a field."""

    __slots__ = ()

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and self._key() == other._key()  # type: ignore[attr-defined]

    def __hash__(self) -> int:
        return hash((type(self).__name__, str(self._key())))

    def _key(self) -> tuple[object, ...]:
        names = ('typename', 'namespaces', 'name', 'maximum_size', 'size', 'value_type')
        return tuple(getattr(self, name, None) for name in names)


class AbstractNestableType(AbstractType):
    """A type that can be the element of an array or a sequence."""

    __slots__ = ()


class BasicType(AbstractNestableType):
    """A number, a truth value or an octet, by its IDL name."""

    __slots__ = ('typename',)

    def __init__(self, typename: str) -> None:
        self.typename = typename


class NamespacedType(AbstractNestableType):
    """Another message, as namespaces (`['std_msgs', 'msg']`) and name."""

    __slots__ = ('name', 'namespaces')

    def __init__(self, namespaces: list[str], name: str) -> None:
        self.namespaces = namespaces
        self.name = name

    def namespaced_name(self) -> tuple[str, ...]:
        """Return namespaces and name as one tuple."""
        return (*self.namespaces, self.name)


class AbstractGenericString(AbstractNestableType):
    """Any string."""

    __slots__ = ()

    def has_maximum_size(self) -> bool:
        """Tell whether the length is bounded."""
        return hasattr(self, 'maximum_size')


class AbstractString(AbstractGenericString):
    """A string of UTF-8."""

    __slots__ = ()


class AbstractWString(AbstractGenericString):
    """A string of wide characters."""

    __slots__ = ()


class UnboundedString(AbstractString):
    """A string of any length."""

    __slots__ = ()


class BoundedString(AbstractString):
    """A string no longer than `maximum_size`."""

    __slots__ = ('maximum_size',)

    def __init__(self, maximum_size: int) -> None:
        self.maximum_size = maximum_size


class UnboundedWString(AbstractWString):
    """A wide string of any length."""

    __slots__ = ()


class AbstractNestedType(AbstractType):
    """Several values of one type."""

    __slots__ = ('value_type',)

    def __init__(self, value_type: AbstractNestableType) -> None:
        self.value_type = value_type


class Array(AbstractNestedType):
    """Exactly `size` values."""

    __slots__ = ('size',)

    def __init__(self, value_type: AbstractNestableType, size: int) -> None:
        self.value_type = value_type
        self.size = size

    def has_maximum_size(self) -> bool:
        """Tell that the length is bounded."""
        return True


class AbstractSequence(AbstractNestedType):
    """Any number of values."""

    __slots__ = ()


class BoundedSequence(AbstractSequence):
    """At most `maximum_size` values."""

    __slots__ = ('maximum_size',)

    def __init__(self, value_type: AbstractNestableType, maximum_size: int) -> None:
        self.value_type = value_type
        self.maximum_size = maximum_size

    def has_maximum_size(self) -> bool:
        """Tell that the length is bounded."""
        return True


class UnboundedSequence(AbstractSequence):
    """As many values as there are."""

    __slots__ = ()

    def has_maximum_size(self) -> bool:
        """Tell that the length is not bounded."""
        return False
