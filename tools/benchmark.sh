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

# All benchmarks, one after the other, into OUT, and docs/benchmarks.md from them:
#
#     tools/benchmark.sh OUT [ROS2_SETUP.bash]
#
# About 20 minutes on two cores. QUICK=1 only sees whether everything runs; SOAK_MINUTES=10 is the soak's
# full length (here 2); ALL_POINTS=1 measures every operating point, for longer; PAGE= leaves the page;
# ONLY='graph soak' measures these parts alone, and the page is made of what lies in OUT.
# EXPORTED='A.xml B.xml' are int8 models from `vidseg export`, measured beside the rest, FASSVid's and its base's
# for example; CAMVID=DIR, CamVid's directory, makes these two in OUT first, unless they lie there (it needs NNCF,
# see requirements/int8.txt). The paper's own FASSVid and its light version, for which no weights are shipped, start
# from a seed: that changes their labels, not their speed.
# In a shell where the package is installed and either ROS 2 or standalone/ is there; a ROS 2 whose setup
# is named is measured beside it.
set -u

out=${1:?usage: tools/benchmark.sh OUT [ROS2_SETUP.bash]}
setup=${2:-}
here=$(cd "$(dirname "$0")/.." && pwd)
mkdir -p "$out"
failed=0

quick=${QUICK:+--quick}
measure() {
    name=$1
    shift
    case " ${ONLY:-$name} " in *" $name "*) ;; *) return ;; esac
    echo "== $name"
    # A part that could not be measured in full must not end the others.
    vidseg benchmark "$@" $quick --json "$out/$name.json" || { echo "$name: see above"; failed=1; }
}

models=${EXPORTED:-}
if [ -n "${CAMVID:-}" ]; then
    for name in fassvid_camvid fassvid_base_camvid; do
        model=$out/${name}_int8.xml
        [ -f "$model.json" ] || vidseg export "$name" --format openvino --precision int8 --calibrate camvid \
            --root "$CAMVID" --size 512 1024 --out "$model" || { echo "$name: no int8, see above"; failed=1; continue; }
        models="$models $model"
    done
fi
exported=
for model in $models; do exported="$exported --exported $model"; done

# shellcheck disable=SC2086  # words are meant to be split
measure pipeline pipeline --frames 100 --ours fassvid --ours per_frame,checkpoint=fassvid_base_camvid $exported \
    --ours fassvid,network=fassvid/full,checkpoint=random:0 \
    --ours fassvid,network=fassvid/fdchange_light,checkpoint=random:0
measure trace pipeline --cameras 3 --ours evs,evs.operating_point=7 --plain none --size 512x1024 --rounds 1 \
    --frames 90 --trace "$out/evs_trace.json"
measure overload pipeline --cameras 4 --ours fassvid --plain openvino --rounds 2
# shellcheck disable=SC2086
measure networks networks --seconds 3 $exported
if [ -n "${ALL_POINTS:-}" ]; then
    measure methods methods
else
    measure methods methods --seconds 4 --point 07: --point 10: --point 14: --point K=5 --point cgru \
        --point 'FDChangeNet + TAM' --point DeepLab-Fast --point 'DIS flow'
fi
if [ -n "$setup" ]; then
    ros2="$here/tools/in_ros2.sh $setup python3"
    # What the settings of config/dds do, together and each half alone.
    buffer='<Internal><SocketReceiveBufferSize max=\"16MB\"/></Internal>'
    fragments='<General><MaxMessageSize>65500B</MaxMessageSize><FragmentSize>63000B</FragmentSize></General>'
    measure graph graph --rounds 2 --frames 60 --rest-seconds 3 \
        --peer "ROS 2=$ros2" \
        --peer "ROS 2 with config/dds=CYCLONEDDS_URI=file://$here/config/dds/cyclonedds.xml $ros2" \
        --peer "ROS 2, large buffer only=CYCLONEDDS_URI=\"$buffer\" $ros2" \
        --peer "ROS 2, large fragments only=CYCLONEDDS_URI=\"$fragments\" $ros2"
else
    measure graph graph --rounds 2
fi
measure soak soak --minutes "${SOAK_MINUTES:-2}"

page=${PAGE-$here/docs/benchmarks.md}
[ -z "$page" ] || vidseg benchmark report "$out" --out "$page"
exit $failed
