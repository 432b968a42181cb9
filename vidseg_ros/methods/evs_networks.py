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
The networks of EVS on their engines: the segmentation network and the Refiner.

Source: Paul et al., "Efficient Video Semantic Segmentation with Labels Propagation and
Refinement", sections 3.2 and 3.5. With ICNet the Refiner is its upper part; another network that
gives features can have a Refiner with weights of its own; every other one refines by itself.
"""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch.nn import Module

from vidseg_ros.engines.base import Engine
from vidseg_ros.flow.chain import Flow, fetch, positions, resize_flow
from vidseg_ros.methods.base import Image
from vidseg_ros.methods.evs_knobs import EVSKnobs
from vidseg_ros.methods.evs_operating_points import OperatingPoint
from vidseg_ros.methods.loading import MethodError, MethodOptions, load_module
from vidseg_ros.methods.stage_clock import StageClock
from vidseg_ros.networks.deploy import DeployedNetwork, deploy
from vidseg_ros.networks.fassvid_refiner import FASSVidRefiner
from vidseg_ros.networks.icnet import ICNet
from vidseg_ros.networks.refiner import (
    DeployedICNet,
    DeployedRefiner,
    GivesFeatures,
    Refiner,
)


class EVSNetworks:
    """
    What EVS runs on the device at an operating point, and at those that ask for less.

    ``segmentation`` runs the segmentation network on key frames, ``refiner`` the Refiner; it is
    None where there is none, or where nothing is refined between key frames.
    """

    def __init__(
        self,
        options: MethodOptions,
        knobs: EVSKnobs,
        default_checkpoint: str,
        default_network: str,
    ) -> None:
        point = knobs.point
        self._refiner_checkpoint = knobs.refiner_checkpoint
        self.loaded = loaded = load_module(options, default_checkpoint, default_network)
        deployed = self._deployed(point)
        self._gives_features = isinstance(deployed, DeployedICNet)
        expected = options.input_size
        if expected == (0, 0):
            expected = loaded.metadata.input_size
        self._size = point.network_size(expected)
        scaled = dataclasses.replace(options, input_size=self._size)
        self.segmentation: Engine = loaded.on_engine(deployed, scaled)
        self.refiner: Engine | None = None
        if self._gives_features and not point.refines_key_frames:
            metadata = loaded.metadata
            refiner = DeployedRefiner(self._refiner_network(), metadata.mean, metadata.std)
            self.refiner = loaded.on_engine(refiner.eval(), scaled)
        self._built: set[tuple[tuple[int, int], bool]] = set()

    def _deployed(self, point: OperatingPoint) -> DeployedNetwork:
        """Return the segmentation network, with features where the Refiner wants them."""
        loaded = self.loaded
        mean, std = loaded.metadata.mean, loaded.metadata.std
        has_refiner = isinstance(loaded.network, ICNet) or (
            bool(self._refiner_checkpoint) and isinstance(loaded.network, GivesFeatures)
        )
        if point.refinement and has_refiner:
            return DeployedICNet(loaded.network, mean, std).eval()
        deployed = deploy(loaded.network, mean, std)
        if tuple(deployed.input_names) != ('image',):
            raise MethodError(
                f'method evs needs a network without memory; {loaded.checkpoint} holds '
                f'{loaded.metadata.network}'
            )
        return deployed

    def _refiner_network(self) -> Module:
        """Return the Refiner: the one with weights of its own, or ICNet's upper part."""
        loaded = self.loaded
        if not self._refiner_checkpoint:
            assert isinstance(loaded.network, ICNet)
            return Refiner(of=loaded.network)
        found = load_module(MethodOptions(self._refiner_checkpoint), '', '')
        name, of = found.metadata.network, loaded.metadata.network
        fits = (
            isinstance(found.network, Refiner | FASSVidRefiner)
            and found.network.part_for(of) is not None
        )
        if not fits or found.label_space != loaded.label_space:
            raise MethodError(
                f'refiner_checkpoint: {self._refiner_checkpoint} holds {name} for the classes of '
                f'{found.label_space.name}; it is no Refiner of {of} for those of '
                f'{loaded.label_space.name}'
            )
        return found.network

    def can_refine(self, point: OperatingPoint) -> bool:
        """Tell whether what the point's R needs has been built."""
        if not isinstance(self.loaded.network, ICNet) and not self._refiner_checkpoint:
            return True  # the network itself does it
        return self._gives_features if point.refines_key_frames else self.refiner is not None

    @property
    def can_refine_between(self) -> bool:
        """Tell whether frames between key frames can be refined with what has been built."""
        return self.can_refine(OperatingPoint(refinement=True))

    # ---- sizes

    def prepare(self, size: tuple[int, int], *, refinement: bool) -> None:
        """Build what inputs of ``size`` (height, width) need; with ``refinement`` for it, too."""
        if (size, refinement) in self._built:
            return
        self.segmentation.prepare(size)
        if self.refiner is not None and refinement:
            self.refiner.prepare(size)
        self._built.add((size, refinement))
        self._size = size

    @property
    def preferred_batch(self) -> int:
        """Return how many key frames of the last size the engine takes best at a time."""
        return self.segmentation.preferred_batch(self._size)

    # ---- running

    def segment(self, images: Image) -> dict[str, NDArray[np.float32]]:
        """
        Run the segmentation network (section 3.2) on images [N, h, w, 3] at its input size.

        Returns ``logits`` [N, C, h', w'] and, for the Refiner, ``features`` [N, h'', w'', K]; both
        are the engine's own, until it runs again.
        """
        self._size = images.shape[1], images.shape[2]
        return self.segmentation.run({'image': images})

    def refine(
        self,
        image: Image,
        features: NDArray[np.float32] | None,
        back: Flow,
        clock: StageClock,
    ) -> NDArray[np.float32]:
        """
        Run the Refiner (section 3.5) on an image [1, h, w, 3]; return logits [C, h', w'].

        It computes only the higher level features: the low-level ones are the key frame's
        ``features``, warped along the flow ``back`` (Fig. 4). The logits are the engine's own.
        """
        inputs: dict[str, Any] = {'image': image}
        engine = self.segmentation
        if self.refiner is not None:
            assert features is not None
            engine = self.refiner
            way = positions(resize_flow(back, (features.shape[0], features.shape[1])))
            inputs['features'] = fetch(features, way, nearest=False)[None]
            clock.lap('warping')
        return engine.run(inputs)['logits'][0]

    def describe_refinement(self, point: OperatingPoint) -> str:
        """Return what refines at an operating point."""
        if not point.refinement:
            return 'off'
        if self._refiner_checkpoint and not point.refines_key_frames:
            return self._refiner_checkpoint
        return 'ICNet' if isinstance(self.loaded.network, ICNet) else 'full network'

    def close(self) -> None:
        """Release the engines."""
        self.segmentation.close()
        if self.refiner is not None:
            self.refiner.close()
