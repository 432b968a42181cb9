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
"""Rules for the names of nodes, namespaces, topics and services, worded as ROS 2 words them."""

import re
from typing import NamedTuple

_MAX_NODE = 255
_MAX_NAMESPACE = 245
_MAX_TOPIC = 255 - 8


class NameFault(NamedTuple):
    """Why a name is invalid, and the position of the offending character."""

    message: str
    position: int


def _index(pattern: str, name: str) -> int | None:
    match = re.search(pattern, name)
    return match.start() if match else None


def node_name_fault(name: str) -> NameFault | None:
    """Return what is wrong with a node name, None if nothing."""
    if not name:
        return NameFault('node name must not be empty', 0)
    if (i := _index(r'[^A-Za-z0-9_]', name)) is not None:
        return NameFault(
            "node name must not contain characters other than alphanumerics or '_'", i)
    if name[0].isdigit():
        return NameFault('node name must not start with a number', 0)
    if len(name) > _MAX_NODE:
        return NameFault(f"node name length should not exceed '{_MAX_NODE}'", _MAX_NODE - 1)
    return None


def _full_name_fault(name: str, subject: str, ends_badly: str) -> NameFault | None:
    if not name:
        return NameFault(f'{subject} must not be empty', 0)
    if not name.startswith('/'):
        return NameFault(f"{subject} must be absolute, it must lead with a '/'", 0)
    if len(name) > 1 and name.endswith('/'):
        return NameFault(ends_badly, len(name) - 1)
    if (i := _index(r'[^A-Za-z0-9_/]', name)) is not None:
        return NameFault(
            f"{subject} must not contain characters other than alphanumerics, '_', or '/'", i)
    if (i := _index('//', name)) is not None:
        return NameFault(f"{subject} must not contain repeated '/'", i + 1)
    if (i := _index(r'/[0-9]', name)) is not None:
        return NameFault(f'{subject} must not have a token that starts with a number', i + 1)
    return None


def namespace_fault(name: str) -> NameFault | None:
    """Return what is wrong with an absolute namespace, None if nothing."""
    fault = _full_name_fault(
        name, 'namespace', "namespace must not end with a '/', unless only a '/'")
    if fault is None and len(name) > _MAX_NAMESPACE:
        fault = NameFault(f"namespace should not exceed '{_MAX_NAMESPACE}'", _MAX_NAMESPACE - 1)
    return fault


def full_topic_fault(name: str) -> NameFault | None:
    """Return what is wrong with an expanded topic or service name, None if nothing."""
    ends_badly = "topic name must not end with a '/'"
    if name == '/':
        return NameFault(ends_badly, 0)
    fault = _full_name_fault(name, 'topic name', ends_badly)
    if fault is None and len(name) > _MAX_TOPIC:
        fault = NameFault("topic length should not exceed '255U - 8U'", _MAX_TOPIC - 1)
    return fault


def topic_fault(name: str) -> NameFault | None:
    """Return what is wrong with a topic name as a user writes it, None if nothing."""
    if not name:
        return NameFault('topic name must not be empty string', 0)
    if name.endswith('/'):
        return NameFault('topic name must not end with a forward slash', len(name) - 1)
    opened = -1
    for i, char in enumerate(name):
        inside = opened >= 0
        if char == '{':
            if inside:
                return _unbalanced(i)
            opened = i
        elif char == '}':
            if not inside:
                return _unbalanced(i)
            opened = -1
        elif inside and not re.match(r'[A-Za-z0-9_]', char):
            return NameFault(
                "substitution name must not contain characters other than alphanumerics or '_'", i)
        elif inside and char.isdigit() and i == opened + 1:
            return NameFault('substitution name must not start with a number', i)
        elif char == '~' and i > 0:
            return NameFault(
                "topic name must not have tilde '~' unless it is the first character", i)
        elif not re.match(r'[A-Za-z0-9_/~]', char):
            return NameFault("topic name must not contain characters other than alphanumerics, "
                             "'_', '~', '{', or '}'", i)
        elif '0' <= char <= '9' and (i == 0 or name[i - 1] == '/'):
            return NameFault('topic name token must not start with a number', i)
    return _unbalanced(opened) if opened >= 0 else None


def _unbalanced(index: int) -> NameFault:
    return NameFault("topic name must not have unbalanced curly braces '{}'", index)


def join(namespace: str, name: str) -> str:
    """Return the fully qualified name of something in a namespace."""
    return f'/{name}' if namespace in ('', '/') else f'{namespace}/{name}'


def expand(topic: str, node_name: str, namespace: str) -> str:
    """Return the absolute form of a topic name; raises ValueError when that is impossible."""
    if fault := topic_fault(topic):
        raise ValueError(f"topic name '{topic}' is invalid: {fault.message}")
    values = {'{node}': node_name, '{ns}': namespace, '{namespace}': namespace}
    name = re.sub(r'^~', join(namespace, node_name), topic)
    for substitution in re.findall(r'\{[^}]*\}', name):
        if substitution not in values:
            raise ValueError(
                f"topic name '{topic}' is invalid: unknown substitution: {substitution}")
        name = name.replace(substitution, values[substitution])
    return name if name.startswith('/') else join(namespace, name)
