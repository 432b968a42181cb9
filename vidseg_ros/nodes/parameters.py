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
The one table of the node's parameters.

Declarations, validation and ``docs/parameters.md`` are all made from it. Nothing here needs ROS.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any

from vidseg_ros.checkpoints.store import CheckpointError, find_checkpoint
from vidseg_ros.engines.registry import engine_names
from vidseg_ros.methods.registry import method_names
from vidseg_ros.networks.registry import network_specs
from vidseg_ros.pipeline.trace import may_replace

Value = bool | int | float | str | list[str]


class Effect(Enum):
    """What a change of a parameter means for the running node."""

    SEGMENTER = 'the method is built anew beside the running one and swapped in'
    CAMERAS = 'subscriptions are made anew'
    PIPELINE = 'from the next frame on'
    OUTPUT = 'from the next output on'
    NONE = 'only read at the start'


@dataclass(frozen=True)
class Parameter:
    """
    One row of the table.

    ``minimum`` and ``maximum`` are inclusive. ``choices`` is called, so that methods of other
    packages count. ``check`` returns what is wrong with a value, or ''.
    """

    name: str
    default: Value
    description: str
    effect: Effect
    minimum: float | None = None
    maximum: float | None = None
    choices: Callable[[], list[str]] | None = None
    check: Callable[[Any], str] | None = None
    read_only: bool = False

    @property
    def type_name(self) -> str:
        """Return the type as ROS names it."""
        if isinstance(self.default, bool):
            return 'bool'
        return {int: 'integer', float: 'double', str: 'string', list: 'string[]'}[
            type(self.default)]

    @property
    def constraints(self) -> str:
        """Return the allowed values in words, '' if all are."""
        if self.choices is not None:
            return 'one of ' + ', '.join(choice or "''" for choice in self.choices())
        if self.minimum is not None:
            return f'{self.minimum} to {self.maximum}'
        return ''

    def refusal(self, value: Any) -> str:
        """Return why a value is impossible, '' if it is not. Types are checked by ROS."""
        if self.choices is not None and value not in self.choices():
            return f'{value!r} is not {self.constraints}'
        if self.minimum is not None and self.maximum is not None \
                and not self.minimum <= value <= self.maximum:
            return f'{value!r} is not within {self.constraints}'
        return self.check(value) if self.check is not None else ''


_NAME = re.compile(r'[A-Za-z][A-Za-z0-9]*(_[A-Za-z0-9]+)*\Z')
MAX_CAMERAS = 16


def _check_cameras(cameras: list[str]) -> str:
    if not 1 <= len(cameras) <= MAX_CAMERAS:
        return f'{len(cameras)} cameras; there can be 1 to {MAX_CAMERAS}'
    for camera in cameras:
        if not _NAME.match(camera):
            return f'{camera!r} can not be part of a topic name'
    if len(set(cameras)) != len(cameras):
        return 'a camera is named twice'
    return ''


def _check_checkpoint(checkpoint: str) -> str:
    if not checkpoint:
        return ''
    if checkpoint.startswith('random:'):
        seed = checkpoint.removeprefix('random:')
        return '' if seed.isdecimal() else f'{checkpoint!r} is not random:SEED'
    try:
        find_checkpoint(checkpoint)
    except CheckpointError as error:
        return str(error)
    return ''


def _check_trace(path: str) -> str:
    if not path:
        return ''
    try:
        folder = Path(path).expanduser().parent
        if not folder.is_dir():
            return f'there is no folder {str(folder)!r}'
        # Parameters can be set from the network: that must not empty other files.
        return '' if may_replace(path) else f'{path!r} is there and is not a trace'
    except (OSError, RuntimeError, ValueError) as error:
        return f'{path!r}: {error}'


def _network_names() -> list[str]:
    return ['', *(spec.name for spec in network_specs() if spec.segments)]


def _one_of(*names: str) -> Callable[[], list[str]]:
    return lambda: list(names)


TABLE: tuple[Parameter, ...] = (
    Parameter('cameras', ['front'], 'Names of the cameras; each has its topics under '
              '`camera/<name>/`.', Effect.CAMERAS, check=_check_cameras),
    Parameter('transport', 'raw', 'Whether to subscribe to `image_raw` or to '
              '`image_raw/compressed`.', Effect.CAMERAS, choices=_one_of('raw', 'compressed')),
    Parameter('frame_policy', 'latest', '`latest`: the newest frame is segmented and the ones it '
              'overtakes are dropped and counted. `every`: all frames in order, as evaluations '
              'need it.', Effect.CAMERAS, choices=_one_of('latest', 'every')),
    Parameter('image_qos_reliability', 'auto', 'Reliability of the image subscriptions; `auto` '
              'is best_effort for `latest` and reliable for `every`.', Effect.CAMERAS,
              choices=_one_of('auto', 'best_effort', 'reliable')),
    Parameter('image_qos_depth', 0, 'Depth of the image subscriptions; 0 is 1 for `latest`, and '
              'for `every` the middleware keeps all that wait.', Effect.CAMERAS,
              minimum=0, maximum=10000),
    Parameter('method', 'fassvid', 'The segmentation method.', Effect.SEGMENTER,
              choices=method_names),
    Parameter('network', '', "The method's network; empty: as the checkpoint says.",
              Effect.SEGMENTER, choices=_network_names),
    Parameter('checkpoint', '', 'Weights: a safetensors file, the name of a shipped checkpoint, '
              'or `random:SEED`; empty: the one shipped for the method.', Effect.SEGMENTER,
              check=_check_checkpoint),
    Parameter('engine', 'auto', 'What runs the network; `auto` takes the fastest that is there.',
              Effect.SEGMENTER, choices=engine_names),
    Parameter('device', 'auto', 'Where it runs.', Effect.SEGMENTER,
              choices=_one_of('auto', 'cpu', 'cuda')),
    Parameter('precision', 'auto', 'Number format of the network; `auto` takes the fastest that '
              'the device is good at; `int8` needs a checkpoint exported so.', Effect.SEGMENTER,
              choices=_one_of('auto', 'fp32', 'fp16', 'bf16', 'int8')),
    Parameter('threads', 0, 'CPU threads of the network; 0: by the number of cores.',
              Effect.SEGMENTER, minimum=0, maximum=1024),
    Parameter('input_height', 0, 'Height that images are scaled to for the network; 0: their '
              'own. Outputs always have the size of the input.', Effect.SEGMENTER,
              minimum=0, maximum=8192),
    Parameter('input_width', 0, 'Width that images are scaled to for the network; 0: their own.',
              Effect.SEGMENTER, minimum=0, maximum=8192),
    Parameter('fassvid.frame_distance', 10, 'FASSVid: how many frames back the frame lies that '
              'changes are found against (the k of the paper).',
              Effect.SEGMENTER, minimum=1, maximum=100),
    Parameter('temporal_unet.sequence_length', 0, 'Recurrent U-Nets: after how many frames the '
              'states of the cells are zero again; 0: never.',
              Effect.SEGMENTER, minimum=0, maximum=1_000_000),
    Parameter('lernet_tha.key_interval', 5, 'LERNet + THA: one frame in so many is a key frame '
              '(the K of the paper); 1: every frame.', Effect.SEGMENTER, minimum=1, maximum=1000),
    Parameter('lernet_tha.stagger', True, 'LERNet + THA: shorten the first interval between key '
              'frames, for each camera by another number of frames, so that they do not '
              'coincide.', Effect.SEGMENTER),
    Parameter('evs.operating_point', 7, "EVS: a row of the paper's Table 2, which sets D, S, W "
              'and R; 0: the parameters `evs.downscaling` to `evs.refine_every_frame` do.',
              Effect.SEGMENTER, minimum=0, maximum=14),
    Parameter('evs.downscaling', 1.0, 'EVS, operating point 0: the factor on the height and width '
              'of images for the network (D).', Effect.SEGMENTER, minimum=0.1, maximum=1.0),
    Parameter('evs.segment_every', 5, 'EVS, operating point 0: one frame in so many is segmented '
              'in full (S).', Effect.SEGMENTER, minimum=1, maximum=1000),
    Parameter('evs.warping', True, 'EVS, operating point 0: whether labels follow the optical '
              'flow between those frames (W); otherwise they are repeated.', Effect.SEGMENTER),
    Parameter('evs.refinement', False, 'EVS, operating point 0: whether the last frame before the '
              'next full segmentation is refined (R); needs warping.', Effect.SEGMENTER),
    Parameter('evs.refine_every_frame', False, 'EVS, operating point 0: refine each propagated '
              'frame in place of the last alone.', Effect.SEGMENTER),
    Parameter('evs.refiner_checkpoint', '', 'EVS: weights of the Refiner for a network other than '
              'ICNet, which has its own; empty: there is none.', Effect.SEGMENTER,
              check=_check_checkpoint),
    Parameter('evs.flow', 'swift', 'EVS: the setting of DIS flow; `ultrafast` is that of the '
              'paper, `swift` costs the same at every image size.', Effect.SEGMENTER,
              choices=_one_of('swift', 'ultrafast', 'fast', 'medium')),
    Parameter('evs.stagger', True, 'EVS: shorten the first interval between key frames, for each '
              'camera by another number of frames, so that they do not coincide.',
              Effect.SEGMENTER),
    Parameter('dvsnet.policy', 'auto', 'DVSNet: what decides that a region is segmented anew: the '
              'expected confidence, a fixed period, the frame difference or the flow magnitude; '
              '`auto` is `confidence` with a trained decision network, else `flow_magnitude`.',
              Effect.SEGMENTER, choices=_one_of('auto', 'confidence', 'fixed',
                                                'frame_difference', 'flow_magnitude')),
    Parameter('dvsnet.threshold', 0.92, 'DVSNet with `confidence`: regions of which less than '
              'this is expected to be right after warping are segmented anew (the t of the '
              'paper); 0: never, above 1: always.',
              Effect.SEGMENTER, minimum=0.0, maximum=1.1),
    Parameter('dvsnet.period', 5, 'DVSNet with `fixed`: every so many frames.',
              Effect.SEGMENTER, minimum=1, maximum=1000),
    Parameter('dvsnet.frame_difference', 10.0, 'DVSNet with `frame_difference`: from this mean '
              'difference on, in grey levels.', Effect.SEGMENTER, minimum=0.0, maximum=256.0),
    Parameter('dvsnet.flow_magnitude', 2.0, 'DVSNet with `flow_magnitude`: from this mean flow '
              "on, in percent of the diagonal of the network's input.",
              Effect.SEGMENTER, minimum=0.0, maximum=10_000.0),
    Parameter('dvsnet.rows', 2, 'DVSNet: how many rows of regions a frame is divided into.',
              Effect.SEGMENTER, minimum=1, maximum=16),
    Parameter('dvsnet.columns', 2, 'DVSNet: how many regions a row has.', Effect.SEGMENTER,
              minimum=1, maximum=16),
    Parameter('dvsnet.overlap', 64, 'DVSNet: how many pixels a region reaches into its '
              'neighbours; rounded up to a multiple of 32.',
              Effect.SEGMENTER, minimum=0, maximum=1024),
    Parameter('dvsnet.whole_frames', True, 'DVSNet: whether a frame is segmented in one piece '
              'where that costs no more than the regions that are due.', Effect.SEGMENTER),
    Parameter('dvsnet.flow', 'dis', "DVSNet: optical flow by DIS on the CPU or by the paper's "
              'flow networks.', Effect.SEGMENTER,
              choices=_one_of('dis', 'flownet2_s', 'flownet2_S')),
    Parameter('dvsnet.flow_checkpoint', '', 'DVSNet: weights of the flow network; empty: a '
              'seeded start, which is only good for timing.', Effect.SEGMENTER,
              check=_check_checkpoint),
    Parameter('dvsnet.decision_layer', 'conv6', 'DVSNet: the layer of the flow network that the '
              'decision network looks at; with DIS it is the key frame and the flow.',
              Effect.SEGMENTER, choices=_one_of('conv6', 'conv5', 'conv4')),
    Parameter('dvsnet.decision_checkpoint', '', 'DVSNet: weights of the decision network; empty: '
              'there is none, or with the policy `confidence` a seeded start.',
              Effect.SEGMENTER, check=_check_checkpoint),
    Parameter('queue_limit', 8, 'How many frames of a camera the node takes in advance with '
              '`every`; further ones wait in the middleware. None is dropped.', Effect.PIPELINE,
              minimum=1, maximum=1_000_000),
    Parameter('max_age_ms', 0, 'With `latest`, drop frames that are older than this, by the '
              'clock of the node, when they arrive or when their turn comes; 0: never.',
              Effect.PIPELINE, minimum=0, maximum=3_600_000),
    Parameter('latency_budget_ms', 0.0, 'How long a frame may take on average, from its arrival '
              'to its labels; a method that takes longer is moved to a cheaper operating point, '
              'and back when it can afford more; 0: it does what its parameters ask for.',
              Effect.PIPELINE, minimum=0.0, maximum=3_600_000.0),
    Parameter('observe_workers', 0, "How many threads do the CPU's part of frames of different "
              'cameras side by side; 0: by the number of cores.', Effect.PIPELINE,
              minimum=0, maximum=64),
    Parameter('max_batch', 0, 'How many frames of different cameras go to the device together '
              'at most; 0: as many as are cheaper together than one after another.',
              Effect.PIPELINE, minimum=0, maximum=64),
    Parameter('networks_kept', 4, 'How many compiled networks stay in memory (engine `openvino`; '
              'one for each size and number of frames together), those in use among them: what '
              'ran a while ago need not be loaded when it is asked for again. 0: none but those '
              'in use.', Effect.PIPELINE, minimum=0, maximum=64),
    Parameter('trace_file', '', 'Write who worked when into this file, in the Chrome trace '
              'format, which ui.perfetto.dev shows; empty: no trace.', Effect.PIPELINE,
              check=_check_trace),
    Parameter('gap_ms', 1500, 'A longer pause between the stamps of two frames resets the state '
              'of the camera; 0: never.', Effect.PIPELINE, minimum=0, maximum=3_600_000),
    Parameter('stale_ms', 2000, 'Without an image for this long a camera is reported as stale.',
              Effect.OUTPUT, minimum=1, maximum=3_600_000),
    Parameter('overlay_opacity', 0.5, 'How much of the overlay is class colour.', Effect.OUTPUT,
              minimum=0.0, maximum=1.0),
    Parameter('overlay_legend', True, 'Whether the overlay has a legend.', Effect.OUTPUT),
    Parameter('diagnostics_period', 1.0, 'Seconds between two messages on `/diagnostics`, and on '
              '`~/statistics`.', Effect.OUTPUT, minimum=0.1, maximum=60.0),
    Parameter('autostart', True, 'Whether the node configures and activates itself; otherwise a '
              'lifecycle manager does.', Effect.NONE, read_only=True),
)
BY_NAME: Mapping[str, Parameter] = {parameter.name: parameter for parameter in TABLE}


def refusal(values: Mapping[str, Any]) -> str:
    """Return why these values are impossible, '' if they are not; other names are ignored."""
    for name, value in values.items():
        parameter = BY_NAME.get(name)
        if parameter is not None and (reason := parameter.refusal(value)):
            return f'{name}: {reason}'
    return ''
