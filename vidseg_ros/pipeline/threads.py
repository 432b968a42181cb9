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
"""
Decide, in one place, how many threads each part of a process gets.

The network, OpenCV and the pipeline's own workers share the cores. Left alone each takes all of
them, and some spin while they wait, so that they take the time from each other.
"""

from __future__ import annotations

import math
import os
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

_OBSERVE_WORKERS_MAX = 4
_OPENCV_MAX = 8
_CPUS = Path('/sys/devices/system/cpu')
_CGROUP = Path('/sys/fs/cgroup/cpu.max')

ENVIRONMENT = {
    # numpy's products here are small; a pool for them would only compete with the network's.
    'OPENBLAS_NUM_THREADS': '1',
    # Threads that have nothing to do sleep rather than spin.
    'OPENCV_THREAD_POOL_ACTIVE_WAIT_MAIN': '500',
    'OPENCV_THREAD_POOL_ACTIVE_WAIT_WORKER': '100',
}
"""What libraries only read when they are loaded."""

OPENMP = {
    # Torch hands work to its threads hundreds of times a frame; to wake one that sleeps takes
    # longer than many a layer. So they look for work for some microseconds before they sleep.
    # GNU's OpenMP does so only where it is told to be active, once several threads of the process
    # use it; the others' activeness would have no end, but for the third.
    'OMP_WAIT_POLICY': 'ACTIVE',
    'GOMP_SPINCOUNT': '1000',
    'KMP_BLOCKTIME': '0',
}
"""How OpenMP's threads wait for work; they belong together."""


@dataclass(frozen=True, slots=True)
class ThreadPlan:
    """How many threads the network on the CPU, ``observe`` and OpenCV get."""

    device: int
    observe_workers: int
    opencv: int


def plan(cores: int, *, device: int = 0, observe_workers: int = 0) -> ThreadPlan:
    """
    Return the threads for ``cores`` physical cores; numbers other than 0 are taken as given.

    The network gets all cores, but for one of five and more: it is the largest part of a frame,
    and a core kept free for the rest spares it waiting for the slowest of its threads. Two
    cameras at least are observed side by side, so that one with a costly ``observe`` does not
    hold up the others. OpenCV runs one loop at a time on its threads (others run in their
    caller's), so it may have half of the cores without taking more than there are.
    """
    cores = max(1, cores)
    return ThreadPlan(
        device=device or (cores if cores <= 4 else cores - 1),
        observe_workers=observe_workers or max(min(2, cores),
                                               min(_OBSERVE_WORKERS_MAX, cores // 2)),
        opencv=min(_OPENCV_MAX, max(min(2, cores), cores // 2)))


def usable_cores() -> int:
    """Return the physical cores that this process may use, as affinity and cgroup say."""
    try:
        cpus = os.sched_getaffinity(0)
    except AttributeError:  # not on Linux
        cpus = set(range(os.cpu_count() or 1))
    cores = _physical(cpus)
    try:
        quota, period = _CGROUP.read_text().split()[:2]
        if quota != 'max':
            cores = min(cores, math.ceil(int(quota) / int(period)))
    except (OSError, ValueError):
        pass
    return max(1, cores)


def _physical(cpus: Collection[int]) -> int:
    """Return how many cores these CPUs belong to; two hardware threads of one count once."""
    cores = set()
    for cpu in cpus:
        try:
            cores.add((_CPUS / f'cpu{cpu}/topology/thread_siblings_list').read_text().strip())
        except OSError:
            cores.add(str(cpu))
    return len(cores)


def set_environment() -> None:
    """Set what libraries read when they are loaded, unless the user has; call it before that."""
    chosen = dict(ENVIRONMENT)
    if not any(name in os.environ for name in OPENMP):
        chosen.update(OPENMP)
    for name, value in chosen.items():
        os.environ.setdefault(name, value)


def apply(threads: ThreadPlan) -> None:
    """Bound OpenCV's threads; the others are bounded where they are made."""
    import cv2  # its loading reads what set_environment sets

    cv2.setNumThreads(threads.opencv)
