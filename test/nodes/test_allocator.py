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

import os
import platform
import subprocess
import sys

import pytest

from vidseg_ros.nodes import segmentation_node

# Prints how many arenas glibc has once eight threads have allocated at the same time.
PROGRAM = """
import ctypes, sys, threading
from vidseg_ros.nodes.allocator import share_one_arena
print(share_one_arena() if sys.argv[1] == 'share' else '-')
together = threading.Barrier(8)
def allocate():
    together.wait()
    kept = [bytearray(50_000) for _ in range(50)]
    together.wait()
threads = [threading.Thread(target=allocate) for _ in range(8)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
libc = ctypes.CDLL(None)
libc.fopen.restype = ctypes.c_void_p
file = ctypes.c_void_p(libc.fopen(sys.argv[2].encode(), b'w'))
assert libc.malloc_info(0, file) == 0 and libc.fclose(file) == 0
print(open(sys.argv[2]).read().count('<heap nr='))
"""

pytestmark = pytest.mark.skipif(
    platform.libc_ver()[0] != 'glibc', reason='other C libraries have no arenas')


def _run(tmp_path, what, **environment):
    clean = {name: value for name, value in os.environ.items()
             if not name.startswith(('MALLOC_', 'GLIBC_TUNABLES'))}
    return subprocess.run(
        [sys.executable, '-c', PROGRAM, what, str(tmp_path / 'info.xml')], check=True,
        env={**clean, **environment}, capture_output=True, text=True, timeout=60).stdout.split()


def test_threads_share_one_arena(tmp_path):
    assert _run(tmp_path, 'share') == ['True', '1']
    told, arenas = _run(tmp_path, 'leave')
    assert told == '-' and int(arenas) > 1


@pytest.mark.parametrize('environment', [
    {'MALLOC_ARENA_MAX': '3'}, {'GLIBC_TUNABLES': 'glibc.malloc.arena_max=3'}])
def test_what_the_environment_says_is_left_alone(tmp_path, environment):
    told, arenas = _run(tmp_path, 'share', **environment)
    assert told == 'False' and int(arenas) in (2, 3)


def test_other_settings_of_the_environment_do_not_matter(tmp_path):
    assert _run(tmp_path, 'share', GLIBC_TUNABLES='glibc.malloc.top_pad=0') == ['True', '1']


def test_the_node_does_so_before_it_loads_anything(monkeypatch):
    done = []
    monkeypatch.setattr(segmentation_node.allocator, 'share_one_arena', lambda: done.append(1))
    monkeypatch.setattr(segmentation_node.threads, 'set_environment', lambda: None)
    monkeypatch.setattr(segmentation_node.signal, 'signal', lambda number, handler: None)
    monkeypatch.setattr(sys, 'setswitchinterval', lambda seconds: None)
    monkeypatch.setitem(sys.modules, 'rclpy', None)  # its import fails
    with pytest.raises(ImportError):
        segmentation_node.main([])
    assert done
