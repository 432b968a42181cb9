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
"""How many threads whom."""

import os
import subprocess
import sys

import pytest

from vidseg_ros.pipeline import threads


@pytest.mark.parametrize(('cores', 'expected'), [
    (0, threads.ThreadPlan(1, 1, 1)), (1, threads.ThreadPlan(1, 1, 1)),
    (2, threads.ThreadPlan(2, 2, 2)), (4, threads.ThreadPlan(4, 2, 2)),
    (8, threads.ThreadPlan(7, 4, 4)), (64, threads.ThreadPlan(63, 4, 8))])
def test_the_rule(cores, expected):
    assert threads.plan(cores) == expected


def test_what_was_asked_for_goes_before_the_rule():
    assert threads.plan(8, device=3, observe_workers=1) == threads.ThreadPlan(3, 1, 4)


def test_cores_are_those_of_the_affinity():
    cpu = min(os.sched_getaffinity(0))
    shown = subprocess.run(
        ['taskset', '-c', str(cpu), sys.executable, '-c',
         'from vidseg_ros.pipeline.threads import usable_cores; print(usable_cores())'],
        check=True, capture_output=True, text=True, timeout=60)
    assert shown.stdout == '1\n'


def test_a_cgroup_quota_bounds_the_cores(tmp_path, monkeypatch):
    monkeypatch.setattr(threads, '_CGROUP', tmp_path / 'cpu.max')
    monkeypatch.setattr(threads, '_physical', lambda cpus: 8)
    for text, cores in (('150000 100000\n', 2), ('max 100000\n', 8), ('nonsense', 8),
                        ('1000 100000', 1)):
        (tmp_path / 'cpu.max').write_text(text)
        assert threads.usable_cores() == cores


def test_hardware_threads_of_one_core_count_once(tmp_path, monkeypatch):
    monkeypatch.setattr(threads, '_CPUS', tmp_path)
    for cpu, siblings in enumerate(('0,2', '1,3', '0,2', '1,3')):
        folder = tmp_path / f'cpu{cpu}' / 'topology'
        folder.mkdir(parents=True)
        (folder / 'thread_siblings_list').write_text(f'{siblings}\n')
    assert threads._physical({0, 1, 2, 3}) == 2
    assert threads._physical({0, 2}) == 1
    assert threads._physical({0, 9}) == 2  # of one that tells nothing


@pytest.mark.parametrize(('given', 'expected'), [
    ({'OMP_WAIT_POLICY': 'PASSIVE'}, 'PASSIVE None None'),
    ({'GOMP_SPINCOUNT': '7'}, 'None 7 None'),
    ({}, 'ACTIVE 1000 0')])
def test_the_environment_is_set_before_libraries_are_loaded_and_the_user_goes_first(
        given, expected):
    program = ('import sys\n'
               'from vidseg_ros.pipeline import threads\n'
               "assert not {'numpy', 'cv2'} & set(sys.modules), 'loaded too early'\n"
               'threads.set_environment()\n'
               'threads.apply(threads.plan(4))\n'
               'import os, cv2\n'
               "print(cv2.getNumThreads(), *map(os.environ.get, ('OPENBLAS_NUM_THREADS', "
               "'OMP_WAIT_POLICY', 'GOMP_SPINCOUNT', 'KMP_BLOCKTIME')))\n")
    inherited = {name: value for name, value in os.environ.items() if name not in threads.OPENMP}
    shown = subprocess.run([sys.executable, '-c', program], check=True, capture_output=True,
                           text=True, timeout=60, env={**inherited, **given})
    assert shown.stdout == f'2 1 {expected}\n'
