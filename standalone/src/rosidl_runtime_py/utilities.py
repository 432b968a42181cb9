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
"""Interface classes by name."""

from __future__ import annotations

from importlib import import_module
from typing import Any


def get_interface(identifier: str) -> Any:
    """Return the class of `pkg/kind/Name`.

    Raises
    ------
    ValueError, ModuleNotFoundError, AttributeError
        The name is malformed, or there is no such package or interface.

    """
    module, _, name = identifier.replace('/', '.').rpartition('.')
    return getattr(import_module(module), name)


def _of_kind(identifier: str, kind: str, noun: str, member: str) -> Any:
    parts = identifier.split('/')
    if len(parts) == 2:
        parts.insert(1, kind)
    found = get_interface('/'.join(parts))
    if not hasattr(found, member):
        raise ValueError(f"Expected the full name of a {noun}, got '{identifier}'")
    return found


def get_message(identifier: str) -> Any:
    """Return the class of a message, `pkg/msg/Name` or `pkg/Name`."""
    return _of_kind(identifier, 'msg', 'message', 'get_fields_and_field_types')


def get_service(identifier: str) -> Any:
    """Return the class of a service, `pkg/srv/Name` or `pkg/Name`."""
    return _of_kind(identifier, 'srv', 'service', 'Event')


def get_action(identifier: str) -> Any:
    """Return the class of an action, `pkg/action/Name` or `pkg/Name`."""
    return _of_kind(identifier, 'action', 'action', 'Feedback')


def is_message(interface: Any) -> bool:
    """Tell whether a class is a message's."""
    return hasattr(interface, 'get_fields_and_field_types')


def is_service(interface: Any) -> bool:
    """Tell whether a class is a service's."""
    return hasattr(interface, 'Request') and hasattr(interface, 'Response')


def is_action(interface: Any) -> bool:
    """Tell whether a class is an action's."""
    return hasattr(interface, 'Goal') and hasattr(interface, 'Feedback')
