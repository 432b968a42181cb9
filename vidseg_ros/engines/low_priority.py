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
"""Do long work beside frames so that it takes what they leave."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Callable
from typing import TypeVar

from vidseg_ros.engines.base import frames_would_wait

NICENESS = 10
"""By how much: a tenth of what a thread of frames gets where both want a core."""

T = TypeVar('T')


def give_way() -> None:
    """Lower the priority of this thread, for good, where the system allows it."""
    # To Linux a thread is a process here; elsewhere the work is done all the same.
    with contextlib.suppress(OSError, AttributeError):
        if os.sched_getscheduler(0) in (os.SCHED_FIFO, os.SCHED_RR):
            os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))
        thread = threading.get_native_id()
        niceness = os.getpriority(os.PRIO_PROCESS, thread) + NICENESS
        os.setpriority(os.PRIO_PROCESS, thread, min(19, niceness))


def at_low_priority(work: Callable[[], T]) -> T:
    """
    Return what ``work`` returns; where frames would wait for it, done in a thread that gives way.

    The thread ends with the work, because nobody without privileges can raise a priority again.
    It must be work that holds no lock that frames need, the interpreter's among them, for longer
    than an instant: who holds it and gets no core stops them all.
    """
    if not frames_would_wait():
        return work()
    outcome: list[T] = []
    failure: list[BaseException] = []

    def run() -> None:
        give_way()
        try:
            outcome.append(work())
        except BaseException as error:  # whatever it is, it belongs to the caller
            failure.append(error)

    thread = threading.Thread(target=run, name='engine_low_priority', daemon=True)
    thread.start()
    thread.join()
    if failure:
        raise failure[0]
    return outcome[0]
