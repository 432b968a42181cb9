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
"""Test running systems: launch them, test while they run, and test what they left.

PYTEST_DONT_REWRITE
"""

from . import actions, asserts, event_handlers, markers, tools, util
from .io_handler import ActiveIoHandler, IoHandler
from .markers import parametrize, post_shutdown_test, ready_to_test_action_timeout
from .proc_info_handler import ActiveProcInfoHandler, ProcInfoHandler

__all__ = ['ActiveIoHandler', 'ActiveProcInfoHandler', 'IoHandler', 'ProcInfoHandler', 'actions',
           'asserts', 'event_handlers', 'markers', 'parametrize', 'post_shutdown_test',
           'ready_to_test_action_timeout', 'tools', 'util']
