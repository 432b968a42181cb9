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
"""`ros2 daemon`: this runtime looks at the graph directly and has no daemon."""

import argparse
from functools import partial

from ros2cli.verbs import Verb, add_verbs


def _tell_status(args: argparse.Namespace) -> None:
    """Say that no daemon runs, which is so before and after stopping it."""
    print('The daemon is not running')


def _refuse_start(args: argparse.Namespace) -> str:
    """Say that there is nothing to start."""
    return 'There is no daemon to start: this ros2 command looks at the graph directly'


add_arguments = partial(add_verbs, verbs={
    'start': Verb("Start the daemon if it isn't running", _refuse_start),
    'status': Verb('Output the status of the daemon', _tell_status),
    'stop': Verb('Stop the daemon if it is running', _tell_status),
})
