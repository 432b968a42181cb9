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
"""The operating points that a method moves between while frames come, and the present one."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any, Generic, TypeVar

from vidseg_ros.methods.base import VideoSegmenter

Point = TypeVar('Point')


class PointMenu(Generic[Point]):
    """
    Operating points by name, the most costly first, of which one is the present one.

    It begins with the first. For any number of threads: who needs the name and the point of one
    frame asks once for ``present``.
    """

    def __init__(self, method: str, points: Mapping[str, Point]) -> None:
        self._method = method
        self._points = dict(points)
        self._present = next(iter(self._points.items()))
        self._lock = threading.Lock()

    @property
    def names(self) -> tuple[str, ...]:
        """Return the names, the most costly first."""
        return tuple(self._points)

    @property
    def present(self) -> tuple[str, Point]:
        """Return the present point with its name."""
        return self._present

    def find(self, name: str | None) -> Point:
        """
        Return a point by its name; the present one for None.

        :raises ValueError: if there is none of that name.
        """
        if name is None:
            return self._present[1]
        if name not in self._points:
            raise ValueError(
                f'method {self._method} has no operating point {name!r}; there are: '
                f'{", ".join(self._points)}'
            )
        return self._points[name]

    def move(self, name: str) -> None:
        """
        Make a point the present one.

        :raises ValueError: if there is none of that name.
        """
        with self._lock:
            self._present = name, self.find(name)

    def replace(self, points: Mapping[str, Point]) -> None:
        """
        Offer other points from now on, and begin with the first of them.

        But where a latency budget had moved to a point that is still there, it stays until the
        budget moves it back: who moves it takes it to be there.
        """
        with self._lock:
            name = self._present[0]
            moved = name != next(iter(self._points))
            self._points = dict(points)
            if not moved or name not in self._points:
                name = next(iter(self._points))
            self._present = name, self._points[name]


class MovableMethod(VideoSegmenter):
    """A method that moves along the points of its menu, ``_points``."""

    _points: PointMenu[Any]

    def operating_points(self) -> tuple[str, ...]:
        """Return the operating points' names, the most costly first."""
        return self._points.names

    @property
    def operating_point(self) -> str:
        """Return the present operating point."""
        return self._points.present[0]

    def operate_at(self, name: str) -> None:
        """
        Move to an operating point from the next frame on.

        :raises ValueError: if there is no such point.
        """
        self._points.move(name)
