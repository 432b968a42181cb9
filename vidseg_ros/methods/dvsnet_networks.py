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
The networks of DVSNet on their engines, and what estimates the regions' motion.

Source: Xu et al., "Dynamic Video Segmentation Network", CVPR 2018, sections 3.1, 3.4 and 4.1.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace

from vidseg_ros.engines.base import Engine
from vidseg_ros.methods.base import UnfitFrameError
from vidseg_ros.methods.dvsnet_knobs import DVSNetKnobs
from vidseg_ros.methods.loading import LoadedNetwork, MethodError, MethodOptions, load_module
from vidseg_ros.methods.region_motion import (
    ChainedMotion,
    DisMotionWithDecision,
    MotionEstimator,
    NetworkMotion,
)
from vidseg_ros.methods.regions import RegionGrid
from vidseg_ros.networks.decision import DecisionNetwork
from vidseg_ros.networks.deploy import deploy
from vidseg_ros.networks.deploy_dvsnet import DeployedFlow, DeployedFlowDecision
from vidseg_ros.networks.flownet import FlowNetS

_UNTRAINED = 'random:0'


class DVSNetNetworks:
    """
    What DVSNet runs on the device.

    ``segmentation`` runs the segmentation network. ``motion`` estimates the motion of regions: a
    ``ChainedMotion`` on the CPU alone, or a ``MotionEstimator`` with an engine of its own, for
    the flow network, the decision network or both.
    """

    def __init__(
        self,
        options: MethodOptions,
        knobs: DVSNetKnobs,
        default_checkpoint: str,
        default_network: str,
    ) -> None:
        self._knobs = knobs
        self.loaded = loaded = load_module(options, default_checkpoint, default_network)
        loaded.require_segmentation()
        deployed = deploy(loaded.network, loaded.metadata.mean, loaded.metadata.std)
        if tuple(deployed.input_names) != ('image',) or 'logits' not in deployed.output_names:
            raise MethodError(
                f'method dvsnet needs a network that segments single frames; {loaded.checkpoint} '
                f'holds {loaded.metadata.network}'
            )
        expected = options.input_size
        with suppress(UnfitFrameError):
            grid = knobs.divide(loaded.metadata.input_size if expected == (0, 0) else expected)
            options = replace(options, input_size=grid.region_size)
        # The flow's engine comes first: if it can't be had, nothing has been built in vain.
        self._motion_engine: Engine | None = None
        self._decision_source = ''
        self.motion = self._make_motion(options)
        self.segmentation: Engine = loaded.on_engine(deployed, options)
        self._built: set[tuple[int, int]] = set()

    def _make_motion(self, options: MethodOptions) -> MotionEstimator | ChainedMotion:
        knobs = self._knobs
        regions = knobs.rows * knobs.columns
        scored = knobs.make_policy().needs_score
        if knobs.flow == 'dis':
            if not scored:
                return ChainedMotion()
            decision, loaded = self._load_decision('flow')
            deployed = DeployedFlowDecision(decision, regions).eval()
            self._motion_engine = loaded.on_engine(deployed, options)
            return DisMotionWithDecision(self._motion_engine)
        width = knobs.flow.removeprefix('flownet2_')
        source = knobs.flow_checkpoint or _UNTRAINED
        loaded = self._load(source, f'flownet2/{width}')
        spaces = loaded.label_space, self.loaded.label_space
        if spaces[0] != spaces[1]:
            raise MethodError(
                f'flow_checkpoint: {source} scales the classes of {spaces[0].name}, '
                f'the segmentation network has those of {spaces[1].name}'
            )
        assert isinstance(loaded.network, FlowNetS)
        network = None
        if scored:
            network, _ = self._load_decision(f'{width}_{knobs.decision_layer}')
        flow = DeployedFlow(loaded.network, network, knobs.decision_layer, regions).eval()
        self._motion_engine = loaded.on_engine(flow, options)
        return NetworkMotion(self._motion_engine)

    def _load_decision(self, variant: str) -> tuple[DecisionNetwork, LoadedNetwork]:
        self._decision_source = self._knobs.decision_checkpoint or _UNTRAINED
        loaded = self._load(self._decision_source, f'decision/{variant}')
        assert isinstance(loaded.network, DecisionNetwork)
        return loaded.network, loaded

    def _load(self, checkpoint: str, network: str) -> LoadedNetwork:
        extra = {'label_space': self.loaded.label_space.name}
        return load_module(MethodOptions(checkpoint, network, extra=extra), '', '')

    def prepare(self, grid: RegionGrid) -> None:
        """Build what frames that are divided like this need."""
        if grid.padded in self._built:
            return
        self.segmentation.prepare(grid.region_size)
        if self._knobs.takes_whole(grid, [True] * len(grid.regions)):
            self.segmentation.prepare(grid.padded)
        if self._motion_engine is not None:
            self._motion_engine.prepare(grid.region_size)
        self._built.add(grid.padded)

    def describe_motion(self) -> dict[str, str]:
        """Return what diagnostics should say of the flow and the decision network."""
        knobs, untrained = self._knobs, f'{_UNTRAINED} (untrained)'
        described = {'flow': knobs.flow}
        if knobs.flow != 'dis':
            described['flow_checkpoint'] = knobs.flow_checkpoint or untrained
        if self._decision_source:
            described['decision_checkpoint'] = knobs.decision_checkpoint or untrained
        return described

    def close(self) -> None:
        """Release the engines."""
        self.segmentation.close()
        if self._motion_engine is not None:
            self._motion_engine.close()
