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
"""Hashes of interface types."""

_SIZE = 32


class TypeHash:
    """A type's hash and the version of how it is made."""

    __slots__ = ['_value', '_version']
    __hash__ = None  # type: ignore[assignment]

    def __init__(self, version: int = -1, value: bytes = bytes(_SIZE)) -> None:
        assert isinstance(version, int) and isinstance(value, bytes)
        self._version, self._value = version, value

    @classmethod
    def _from_text(cls, text: str) -> 'TypeHash':
        if text.startswith('RIHS') and len(text) == 7 + 2 * _SIZE:
            return cls(int(text[4:6]), bytes.fromhex(text[7:]))
        return cls(0)

    @property
    def version(self) -> int:
        """The version of the hash, 0 or less when there is none."""
        return self._version

    @property
    def value(self) -> bytes:
        """The 32 bytes."""
        return self._value

    def __eq__(self, other: object) -> bool:
        return (isinstance(other, TypeHash)
                and (self.version, self.value) == (other.version, other.value))

    def __str__(self) -> str:
        if self.version <= 0 or len(self.value) != _SIZE:
            return 'INVALID'
        return f'RIHS{self.version:02}_{self.value.hex()}'
