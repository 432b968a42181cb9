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
"""Points in time."""

from typing import Any

import builtin_interfaces.msg

from rclpy.clock_type import ClockType
from rclpy.constants import S_TO_NS
from rclpy.duration import Duration


class Time:
    """A point in time of one clock type, in nanoseconds since that clock's zero."""

    __hash__ = None  # type: ignore[assignment]

    def __init__(
        self, *, seconds: int | float = 0, nanoseconds: int = 0,
        clock_type: ClockType = ClockType.SYSTEM_TIME,
    ) -> None:
        if not isinstance(clock_type, ClockType):
            raise TypeError('Clock type must be a ClockType enum')
        if seconds < 0:
            raise ValueError('Seconds value must not be negative')
        if nanoseconds < 0:
            raise ValueError('Nanoseconds value must not be negative')
        total = int(seconds * S_TO_NS) + int(nanoseconds)
        if total >= 2**63:
            raise OverflowError('Total nanoseconds value is too large to store in C time point.')
        self._nanoseconds = total
        self._clock_type = clock_type

    @property
    def nanoseconds(self) -> int:
        """The time in nanoseconds."""
        return self._nanoseconds

    @property
    def clock_type(self) -> ClockType:
        """The kind of clock that the time is of."""
        return self._clock_type

    def seconds_nanoseconds(self) -> tuple[int, int]:
        """Return whole seconds and the nanoseconds beyond them."""
        return divmod(self.nanoseconds, S_TO_NS)

    def __repr__(self) -> str:
        return f'Time(nanoseconds={self.nanoseconds}, clock_type={self.clock_type.name})'

    def __add__(self, other: Duration) -> 'Time':
        if not isinstance(other, Duration):
            return NotImplemented
        try:
            return Time(nanoseconds=self.nanoseconds + other.nanoseconds,
                        clock_type=self.clock_type)
        except OverflowError as error:
            raise OverflowError('Addition leads to overflow in C storage.') from error

    __radd__ = __add__

    def __sub__(self, other: Any) -> Any:
        if isinstance(other, Time):
            if self.clock_type != other.clock_type:
                raise TypeError("Can't subtract times with different clock types")
            return Duration(nanoseconds=self.nanoseconds - other.nanoseconds)
        if isinstance(other, Duration):
            try:
                return Time(nanoseconds=self.nanoseconds - other.nanoseconds,
                            clock_type=self.clock_type)
            except ValueError as error:
                raise ValueError('Subtraction leads to negative time.') from error
        return NotImplemented

    def _comparable(self, other: object) -> 'int | None':
        if not isinstance(other, Time):
            return None
        if self.clock_type != other.clock_type:
            raise TypeError("Can't compare times with different clock types")
        return other.nanoseconds

    def __eq__(self, other: object) -> bool:
        nanoseconds = self._comparable(other)
        return NotImplemented if nanoseconds is None else self.nanoseconds == nanoseconds

    def __ne__(self, other: object) -> bool:
        nanoseconds = self._comparable(other)
        return NotImplemented if nanoseconds is None else self.nanoseconds != nanoseconds

    def __lt__(self, other: object) -> bool:
        nanoseconds = self._comparable(other)
        return NotImplemented if nanoseconds is None else self.nanoseconds < nanoseconds

    def __le__(self, other: object) -> bool:
        nanoseconds = self._comparable(other)
        return NotImplemented if nanoseconds is None else self.nanoseconds <= nanoseconds

    def __gt__(self, other: object) -> bool:
        nanoseconds = self._comparable(other)
        return NotImplemented if nanoseconds is None else self.nanoseconds > nanoseconds

    def __ge__(self, other: object) -> bool:
        nanoseconds = self._comparable(other)
        return NotImplemented if nanoseconds is None else self.nanoseconds >= nanoseconds

    def to_msg(self) -> builtin_interfaces.msg.Time:
        """Return the time as a message."""
        seconds, nanoseconds = self.seconds_nanoseconds()
        return builtin_interfaces.msg.Time(sec=seconds, nanosec=nanoseconds)

    @classmethod
    def from_msg(
        cls, msg: builtin_interfaces.msg.Time, clock_type: ClockType = ClockType.ROS_TIME,
    ) -> 'Time':
        """Return the time that a message stands for."""
        if not isinstance(msg, builtin_interfaces.msg.Time):
            raise TypeError('Must pass a builtin_interfaces.msg.Time object')
        return cls(seconds=msg.sec, nanoseconds=msg.nanosec, clock_type=clock_type)
