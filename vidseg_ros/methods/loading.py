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
"""What methods are made from: options, a network with its weights, an engine that runs it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from vidseg_ros.checkpoints.store import (
    MEAN,
    STD,
    CheckpointError,
    CheckpointMetadata,
    find_checkpoint,
    load_checkpoint,
)
from vidseg_ros.engines.base import Engine, EngineError, EngineOptions, frames_would_wait
from vidseg_ros.engines.exported import ExportedModel, is_exported, read_exported
from vidseg_ros.engines.registry import create_engine
from vidseg_ros.labels.registry import label_space
from vidseg_ros.labels.space import LabelSpace
from vidseg_ros.networks.deploy import DeployedNetwork, deploy
from vidseg_ros.networks.registry import UnknownNetworkError, network_spec


class MethodError(ValueError):
    """A method cannot be made as asked; the message says why, for people."""


@dataclass(frozen=True)
class MethodOptions:
    """
    How to make a method.

    ``checkpoint`` is a shipped name, a file, '' for the method's own default, or
    'random:SEED' for a seeded start of ``network`` (to time or test what has no weights yet). A
    file may also be an exported model, .xml or .onnx, as `vidseg export` writes it.
    ``input_size`` (height, width) is what the network is given; (0, 0) the image as it is.
    ``extra`` holds knobs that only some methods have. ``wrap_engine`` is given every engine that
    is made and returns what is used in its place, to record what it is given, say.
    """

    checkpoint: str = ''
    network: str = ''
    engine: str = 'auto'
    device: str = 'auto'
    precision: str = 'auto'
    threads: int = 0
    input_size: tuple[int, int] = (0, 0)
    extra: Mapping[str, Any] = field(default_factory=dict)
    wrap_engine: Callable[[Engine], Engine] | None = field(
        default=None, repr=False, compare=False
    )


@dataclass(frozen=True)
class LoadedNetwork:
    """
    A network with weights, not yet on an engine; ``checkpoint`` is where they come from.

    With ``exported`` the weights are in that file and ``network`` is there for its shapes alone.
    """

    network: torch.nn.Module
    metadata: CheckpointMetadata
    checkpoint: str
    exported: ExportedModel | None = None

    @property
    def label_space(self) -> LabelSpace:
        """Return the classes of the network's output."""
        return label_space(self.metadata.label_space)

    def describe(self) -> dict[str, str]:
        """Return what diagnostics should say of the network and its weights."""
        return {'network': self.metadata.network, 'checkpoint': self.checkpoint}

    def require_segmentation(self) -> None:
        """
        Make sure that this network gives labels, and is not just a part of a method.

        :raises MethodError: if it does not.
        """
        if not network_spec(self.metadata.network).segments:
            raise MethodError(
                f'{self.checkpoint} holds {self.metadata.network}, which is a part of a method '
                'and does not segment images by itself'
            )

    def on_engine(self, deployed: DeployedNetwork, options: MethodOptions) -> Engine:
        """
        Put this network, or a part of it, on the engine that the options ask for.

        :raises MethodError: if the engine is not there or cannot run it.
        """
        self._require_whole(deployed, options)
        try:
            engine = create_engine(
                options.engine,
                deployed,
                EngineOptions(options.device, options.precision, options.threads, self.exported),
            )
        except EngineError as error:
            raise MethodError(str(error)) from error
        if options.wrap_engine is not None:
            engine = options.wrap_engine(engine)
        if not self.checkpoint.startswith('random:') and not frames_would_wait():
            # Most often the camera's size is what the network was trained for: the first frame
            # then finds everything built. Where frames come already, their size is known.
            expected = self.metadata.input_size
            engine.prepare(expected if options.input_size == (0, 0) else options.input_size)
        return engine

    def _require_whole(self, deployed: DeployedNetwork, options: MethodOptions) -> None:
        """Make sure that an exported model is what a method wants to run, at the size it wants."""
        exported = self.exported
        if exported is None:
            return
        names = tuple(deployed.input_names), tuple(deployed.output_names)
        if names != (exported.inputs, exported.outputs):
            raise MethodError(
                f'{exported.path} is a whole network, from {", ".join(exported.inputs)} to '
                f'{", ".join(exported.outputs)}; this method needs one from '
                f'{", ".join(names[0])} to {", ".join(names[1])}: give it the checkpoint itself'
            )
        if exported.size is not None and options.input_size != exported.size:
            height, width = exported.size
            raise MethodError(
                f'{exported.path} takes images of {width}x{height} only: set input_height to '
                f'{height} and input_width to {width}, or export it with --sizes open'
            )


@dataclass(frozen=True, kw_only=True)
class RunnableNetwork(LoadedNetwork):
    """A network that is one deployed module, on its engine."""

    deployed: DeployedNetwork
    engine: Engine


def _random_network(
    checkpoint: str, network: str, space: str
) -> tuple[torch.nn.Module, CheckpointMetadata]:
    seed = checkpoint.removeprefix('random:')
    if not seed.isdecimal():
        raise MethodError(f'checkpoint: {checkpoint!r} should be random:SEED with a whole number')
    spec = network_spec(network)
    with torch.random.fork_rng():
        torch.manual_seed(int(seed))
        module = spec.build(label_space(space).num_classes).eval()
    return module, CheckpointMetadata(spec.name, space, spec.input_size, MEAN, STD)


def _exported_network(path: Path) -> LoadedNetwork:
    """
    Return the exported model ``path``, and its network for the shapes of what goes in and out.

    :raises MethodError: if there is none or it was changed.
    """
    try:
        exported = read_exported(path)
        metadata = CheckpointMetadata.parse(json.dumps(exported.checkpoint), path)
        network = network_spec(metadata.network).build(
            label_space(metadata.label_space).num_classes
        )
    except (EngineError, CheckpointError, UnknownNetworkError, KeyError) as error:
        raise MethodError(str(error)) from error
    return LoadedNetwork(network.eval(), metadata, str(path), exported)


def load_module(
    options: MethodOptions, default_checkpoint: str, default_network: str
) -> LoadedNetwork:
    """
    Load or make the network that the options ask for.

    ``default_checkpoint`` is taken where the options name none.

    :raises MethodError: if there is no such checkpoint or network.
    """
    checkpoint = options.checkpoint or default_checkpoint
    if is_exported(checkpoint):
        loaded = _exported_network(Path(checkpoint))
        if options.network and options.network != loaded.metadata.network:
            raise MethodError(
                f'{checkpoint} holds {loaded.metadata.network}, not {options.network}'
            )
        return loaded
    try:
        if checkpoint.startswith('random:'):
            network, metadata = _random_network(
                checkpoint,
                options.network or default_network,
                str(options.extra.get('label_space', 'cityscapes')),
            )
        else:
            network, metadata = load_checkpoint(find_checkpoint(checkpoint))
            if options.network and options.network != metadata.network:
                raise MethodError(
                    f'checkpoint {checkpoint} holds {metadata.network}, not {options.network}'
                )
    except (CheckpointError, UnknownNetworkError, KeyError) as error:
        raise MethodError(str(error)) from error
    return LoadedNetwork(network, metadata, checkpoint)


def load_network(
    options: MethodOptions, default_checkpoint: str, default_network: str
) -> RunnableNetwork:
    """
    Load or make the network that the options ask for and put it on its engine whole.

    :raises MethodError: if there is no such checkpoint, network or engine.
    """
    loaded = load_module(options, default_checkpoint, default_network)
    loaded.require_segmentation()
    deployed = deploy(loaded.network, loaded.metadata.mean, loaded.metadata.std)
    engine = loaded.on_engine(deployed, options)
    return RunnableNetwork(
        loaded.network, loaded.metadata, loaded.checkpoint, loaded.exported,
        deployed=deployed, engine=engine,
    )  # fmt: skip
