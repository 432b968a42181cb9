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
"""Message, service and action classes by name, and the packages that export them."""

from __future__ import annotations

import importlib.abc
import importlib.machinery
import re
import sys
import threading
from collections.abc import Callable
from functools import cache
from types import ModuleType
from typing import Any

from standalone_ros import structures, typehash
from standalone_ros.message_class import make_message_class, metaclass
from standalone_ros.structures import UnknownInterfaceError

__all__ = ['UnknownInterfaceError', 'dds_type_name', 'get_class', 'interface_names',
           'package_members', 'type_hash', 'type_name']

interface_names = structures.interface_names


def _snake_case(name: str) -> str:
    name = re.sub('(.)([A-Z][a-z]+)', r'\1_\2', name)
    return re.sub('([a-z0-9])([A-Z])', r'\1_\2', name).lower()


def _owner(name: str) -> str:
    """Return the interface that a file of its own defines: `SetBool` of `SetBool_Request`."""
    package, kind, base = name.split('/')
    return name if kind == 'msg' else f'{package}/{kind}/{base.partition("_")[0]}'


def _module(name: str) -> str:
    package, kind, base = _owner(name).split('/')
    return f'{package}.{kind}._{_snake_case(base)}'


def _no_instances(kind: str) -> Callable:
    def __init__(self: Any) -> None:
        raise NotImplementedError(f'{kind} classes can not be instantiated')

    return __init__


def _container(name: str, kind: str, members: dict[str, Any]) -> type:
    base, module = name.rpartition('/')[2], _module(name)
    namespace = {'__module__': module, '__doc__': None, '__init__': _no_instances(kind), **members}
    return metaclass(name, base, module, {})(base, (), namespace)


# Two threads that import a message first at once must get the same class.
_lock = threading.RLock()


def get_class(name: str) -> Any:
    """Return the class of `pkg/msg/Name`, `pkg/srv/Name`, `pkg/srv/Name_Request` and so on.

    Raises
    ------
    UnknownInterfaceError
        There is no such interface.

    """
    with _lock:
        return _make_class(name)


@cache
def _make_class(name: str) -> Any:
    if structures.is_action(name):
        parts = {part: get_class(f'{name}_{part}') for part in ('Goal', 'Result', 'Feedback')}
        impl = type('Impl', (), {
            'SendGoalService': get_class(f'{name}_SendGoal'),
            'GetResultService': get_class(f'{name}_GetResult'),
            'FeedbackMessage': get_class(f'{name}_FeedbackMessage'),
            'CancelGoalService': get_class('action_msgs/srv/CancelGoal'),
            'GoalStatusMessage': get_class('action_msgs/msg/GoalStatusArray')})
        return _container(name, 'Action', {**parts, 'Impl': impl})
    if structures.is_service(name):
        return _container(name, 'Service', {
            part: get_class(f'{name}_{part}') for part in ('Request', 'Response', 'Event')})
    return make_message_class(structures.structure(name), _module(name), get_class)


def type_name(cls: Any) -> str:
    """Return the full name of an interface class, as `sensor_msgs/msg/Image`."""
    return type(cls)._interface_name


def dds_type_name(cls: Any) -> str:
    """Return the name of a message's type on DDS, as `sensor_msgs::msg::dds_::Image_`."""
    package, kind, name = type_name(cls).split('/')
    return f'{package}::{kind}::dds_::{name}_'


def type_hash(cls: Any) -> str:
    """Return the RIHS01 hash of an interface class."""
    return typehash.type_hash(type_name(cls))


def package_members(
        module: str) -> tuple[Callable[[str], Any], Callable[[], list[str]], list[str]]:
    """Return `__getattr__`, `__dir__` and `__all__` of the module `pkg.msg` (srv, action)."""
    prefix = f'{module.replace(".", "/")}/'
    exported = [name.removeprefix(prefix) for name in interface_names() if name.startswith(prefix)]

    def __getattr__(name: str) -> Any:
        if not name.startswith('_'):
            try:
                found = get_class(prefix + name)
            except UnknownInterfaceError:
                pass
            else:
                setattr(sys.modules[module], name, found)
                return found
        raise AttributeError(f"module '{module}' has no attribute '{name}'")

    return __getattr__, lambda: exported, exported


class _ClassModules(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Finds `sensor_msgs.msg._image`: pickles name it, and generated code imports it."""

    def find_spec(self, fullname: str, path: Any, target: Any = None) -> Any:
        package, _, leaf = fullname.rpartition('.')
        if leaf.startswith('_') and package.count('.') == 1 and any(
                _module(name) == fullname for name in interface_names()
                if name.startswith(f'{package.replace(".", "/")}/')):
            return importlib.machinery.ModuleSpec(fullname, self)
        return None

    def exec_module(self, module: ModuleType) -> None:
        package = module.__name__.rpartition('.')[0]
        for name in interface_names():
            if name.startswith(f'{package.replace(".", "/")}/') and _module(
                    name) == module.__name__:
                found = get_class(name)
                setattr(module, name.rpartition('/')[2], found)
                for part in ('Request', 'Response', 'Event', 'Goal', 'Result', 'Feedback'):
                    if hasattr(found, part) and '/msg/' not in name:
                        setattr(module, f'{found.__name__}_{part}', getattr(found, part))


sys.meta_path.append(_ClassModules())
