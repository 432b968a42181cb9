#!/bin/sh
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

# The main job: a bag, the real processes, a replay, an evaluation, a report. `make run` calls it
# with the environment that finds everything.
set -eu

if [ -d "$CAMVID/val" ]; then
    bag="$OUT/camvid_val"
    [ -f "$bag/metadata.yaml" ] || vidseg make-bag --dataset camvid --root "$CAMVID" --split val --out "$bag"
else
    echo "no CamVid at $CAMVID: taking the synthetic street"
    street="$OUT/street"
    [ -d "$street" ] || vidseg make-street --out "$street" --split val --frames 51
    bag="$OUT/street_bag"
    [ -f "$bag/metadata.yaml" ] || vidseg make-bag --dataset synthetic --root "$street" --split val --label-space camvid --out "$bag"
fi

ros2 launch vidseg_ros replay_evaluation.launch.py bag:="$bag" method:="$METHOD" report:="$OUT/report"
vidseg report "$OUT/report"
