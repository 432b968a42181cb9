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
"""Things that can be destroyed while somebody still holds them."""

import threading
from types import TracebackType

from rclpy._rclpy_pybind11 import InvalidHandle


class Destroyable:
    """
    A handle that is used inside `with`, and destroyed when nobody is inside any more.

    Entering raises InvalidHandle once destruction was asked for.
    """

    def __init__(self) -> None:
        self._users = 0
        self._destruction_requested = False
        # A signal handler may use the handle in the very thread that holds it.
        self._users_lock = threading.RLock()

    def __enter__(self) -> None:
        with self._users_lock:
            if self._destruction_requested:
                raise InvalidHandle('cannot use Destroyable because destruction was requested')
            self._users += 1

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        with self._users_lock:
            self._users -= 1
            last = self._destruction_requested and self._users == 0
        if last:
            self.destroy()

    @property
    def pointer(self) -> int:
        """A number that tells this handle from others."""
        return id(self)

    def destroy_when_not_in_use(self) -> None:
        """Destroy now, or when the last user leaves."""
        with self:
            self._destruction_requested = True

    def destroy(self) -> None:
        """Release what the handle stands for; subclasses fill this in."""
