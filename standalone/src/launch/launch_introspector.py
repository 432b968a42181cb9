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
"""A picture in words of a launch description."""

from collections.abc import Iterable
from typing import Any

from .action import Action
from .actions import EmitEvent, ExecuteProcess, LogInfo, RegisterEventHandler
from .launch_description import LaunchDescription
from .utilities import describe


def format_action(action: Any) -> str:
    """Return an action in words."""
    if isinstance(action, LogInfo):
        return f'LogInfo({describe(action.msg)})'
    if isinstance(action, EmitEvent):
        return f"EmitEvent(event='{action.event.name}')"
    if isinstance(action, ExecuteProcess):
        env = None if action.env is None else '{' + ', '.join(
            f'{describe(key)}: {describe(value)}' for key, value in action.env) + '}'
        cwd = None if action.cwd is None else f"'{describe(action.cwd)}'"
        cmd = ', '.join(map(describe, action.cmd))
        return f'ExecuteProcess(cmd=[{cmd}], cwd={cwd}, env={env}, shell={action.shell})'
    if isinstance(action, RegisterEventHandler):
        return f"RegisterEventHandler('{action.event_handler}'):"
    return f"Action('{action}')" if isinstance(action, Action) else f"Unknown entity('{action}')"


def _tree(entities: Iterable[Any], indention: str = '') -> list[str]:
    entities = list(entities)
    lines = []
    for entity in entities:
        last = entity is entities[-1]
        lines.append(f'{indention}{"└" if last else "├"}── {format_action(entity)}')
        if isinstance(entity, RegisterEventHandler):
            inner = indention + ('    ' if last else '│   ')
            text, actions = entity.event_handler.describe()
            lines += [f'{inner}└── {text}', *_tree(actions, inner + '    ')]
    return lines


class LaunchIntrospector:
    """Describe launch descriptions without running them."""

    def format_launch_description(self, launch_description: LaunchDescription) -> str:
        """Return the launch description as a tree of lines."""
        return '\n'.join([str(launch_description), *_tree(launch_description.entities)])
