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
"""Launch nodes of ROS: actions, substitutions and parameters on top of launch."""

from . import actions, descriptions, substitutions

__all__ = ['actions', 'descriptions', 'substitutions']


def __getattr__(name: str) -> object:
    # The events of lifecycle nodes need messages, which take time to load.
    if name in ('event_handlers', 'events'):
        import importlib

        return importlib.import_module(f'{__name__}.{name}')
    raise AttributeError(f'module {__name__!r} has no attribute {name!r}')
