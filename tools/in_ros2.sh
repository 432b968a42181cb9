#!/bin/bash
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

# Run a command in a shell where a ROS 2 is sourced: in_ros2.sh SETUP.bash COMMAND...
# For `vidseg benchmark graph --peer`: what the caller's own environment has of Python is left out.
set -e
setup=$1
shift
unset PYTHONPATH PYTHONHOME VIRTUAL_ENV
# shellcheck disable=SC1090
source "$setup"
exec "$@"
