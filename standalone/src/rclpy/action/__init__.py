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
"""Actions, of which only the names exist here."""

from typing import Any


class _NotAvailable:
    """Refuses to be made."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        raise NotImplementedError(f'rclpy.action.{type(self).__name__} is not available')


class ActionClient(_NotAvailable):
    """Would call an action."""


class ActionServer(_NotAvailable):
    """Would execute an action's goals."""


__all__ = ['ActionClient', 'ActionServer']
