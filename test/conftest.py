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

import fcntl
import os
import shutil
import signal
import sys
import tempfile
from pathlib import Path

# The tests start `ros2`; where the virtual environment is not activated it lies beside Python.
if shutil.which('ros2') is None:
    os.environ['PATH'] = os.pathsep.join([str(Path(sys.executable).parent), os.environ['PATH']])


def _claim_domains():
    """
    Keep ten ROS domains for this session, so that sessions at a time on a machine don't meet.

    The first is left in ROS_DOMAIN_ID; the lock ends with the process.
    """
    for first in range(1, 92, 10):
        lock = (Path(tempfile.gettempdir()) / f'ros_domains_{first}.lock').open('a')
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            lock.close()
            continue
        os.environ['ROS_DOMAIN_ID'] = str(first)
        return lock
    raise RuntimeError('all ROS domains for tests are taken: ten sessions run already')


_DOMAINS = _claim_domains()

# Engines that are built here are kept for this session alone: no test leans on an earlier one, and
# nothing is left in the user's cache.
_CACHE = tempfile.TemporaryDirectory(prefix='vidseg_test_cache_')
os.environ['XDG_CACHE_HOME'] = _CACHE.name
os.environ.setdefault('ROS_LOG_DIR', str(Path(_CACHE.name) / 'log'))

# Threads of torch that wait let others have the core: spinning ones stretch what runs beside them.
os.environ.setdefault('OMP_WAIT_POLICY', 'PASSIVE')

# A shell starts what it puts into the background with these ignored, and so would be every
# process that the tests start and want to interrupt.
for _number, _usual in ((signal.SIGINT, signal.default_int_handler),
                        (signal.SIGQUIT, signal.SIG_DFL), (signal.SIGHUP, signal.SIG_DFL)):
    if signal.getsignal(_number) is signal.SIG_IGN:
        signal.signal(_number, _usual)
