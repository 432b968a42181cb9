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
"""Keep the C library from spreading a node's memory over many arenas."""

from __future__ import annotations

import ctypes
import os

_M_ARENA_MAX = -8


def share_one_arena() -> bool:
    """
    Have all threads of this process allocate from one arena; call it before there are others.

    glibc gives nearly every thread an arena of its own. Methods are built in threads that come
    and go, and what they leave scattered over their arenas returns neither to the system nor to
    other threads: a node whose methods are changed again and again grew by megabytes a minute.
    The environment's own settings (MALLOC_ARENA_MAX, GLIBC_TUNABLES) win. Returns whether it is
    so now; other C libraries have no arenas.
    """
    if 'MALLOC_ARENA_MAX' in os.environ or 'glibc.malloc.arena_max' in os.environ.get(
        'GLIBC_TUNABLES', ''
    ):
        return False
    mallopt = getattr(ctypes.CDLL(None), 'mallopt', None)
    return mallopt is not None and bool(mallopt(_M_ARENA_MAX, 1))
