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
Keep OpenVINO's outputs from holding whole networks in fp32.

Asked for bf16, OpenVINO's CPU plugin leaves in fp32 what lies between an output and the first
heavy operations before it, convolutions for instance. From features that are a residual sum that
way goes back along all the sums before, as far as the image: LERNet's key frame, whose features
are an output, took 20 % longer for it. A convolution by 1 before such an output ends its way.
"""

from __future__ import annotations

import numpy as np
import openvino as ov

# Where the way from an output ends.
_HEAVY = {
    'Convolution', 'GroupConvolution', 'ConvolutionBackpropData', 'GroupConvolutionBackpropData',
    'MatMul', 'Interpolate', 'GRUSequence', 'LSTMSequence',
}  # fmt: skip
# Ways that are shorter cost less than the convolution.
LONG = 12


def tail_length(output: ov.Output) -> int:
    """Return how many operations lie between an output and the heavy ones before it."""
    seen: set[str] = set()
    waiting = [output.get_node()]
    while waiting:
        node = waiting.pop()
        name, kind = node.get_friendly_name(), node.get_type_name()
        if name in seen or kind in _HEAVY or kind in ('Constant', 'Parameter'):
            continue
        seen.add(name)
        waiting += [value.get_source_output().get_node() for value in node.inputs()]
    return len(seen)


def shorten_tails(model: ov.Model) -> list[str]:
    """
    Put a convolution by 1 before outputs [N, C, H, W] with a long tail.

    The values stay what they are but for the rounding that bf16 means. Returns the names of these
    outputs; ``model`` is changed in place.
    """
    changed = []
    for result in model.get_results():
        value = result.input(0).get_source_output()
        shape = value.get_partial_shape()
        floats = value.get_element_type() == ov.Type.f32
        if not floats or shape.rank != 4 or shape[1].is_dynamic or tail_length(value) < LONG:
            continue
        channels = shape[1].get_length()
        ones = ov.opset13.constant(np.ones((channels, 1, 1, 1, 1), np.float32))
        same = ov.opset13.group_convolution(value, ones, [1, 1], [0, 0], [0, 0], [1, 1])
        names = value.get_names()
        value.get_tensor().set_names(set())
        same.output(0).get_tensor().set_names(names)
        result.input(0).replace_source_output(same.output(0))
        changed += sorted(names)
    model.validate_nodes_and_infer_types()
    return changed
