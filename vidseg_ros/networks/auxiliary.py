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
Auxiliary losses: what some networks also learn from while they train, by their papers.

The features of an inner module go through a small head to logits of their own. The heads are no
part of the network: neither its checkpoints nor what is run afterwards have them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

from torch import Tensor, nn


@dataclass(frozen=True)
class Auxiliary:
    """
    A head on the output of the inner module ``at`` (its name), [N, K, h, w] -> logits.

    ``weight`` is that of its loss beside the network's own.
    """

    at: str
    head: nn.Module
    weight: float


@runtime_checkable
class HasAuxiliaries(Protocol):
    """A network that is trained with auxiliary losses."""

    def auxiliaries(self) -> Sequence[Auxiliary]:
        """Return new heads, with their seeded first weights."""


class AuxiliaryHeads(nn.Module):
    """
    The auxiliary heads of one network, or none.

    Within ``listening`` the network's forward passes are overheard; ``logits`` then gives what
    the heads make of the last one.
    """

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        found = network.auxiliaries() if isinstance(network, HasAuxiliaries) else ()
        self.heads = nn.ModuleList(auxiliary.head for auxiliary in found)
        self._at = [auxiliary.at for auxiliary in found]
        self._weights = [auxiliary.weight for auxiliary in found]
        self._heard: dict[str, Tensor] = {}

    def __len__(self) -> int:
        """Return the number of heads."""
        return len(self.heads)

    @contextmanager
    def listening(self, network: nn.Module) -> Iterator[None]:
        """Remember what the inner modules of ``network`` give, as long as the context lasts."""
        self._heard = {}

        def hear(name: str) -> Any:
            def hook(_module: nn.Module, _inputs: Any, output: Tensor) -> None:
                self._heard[name] = output

            return hook

        hooks = [network.get_submodule(at).register_forward_hook(hear(at)) for at in self._at]
        try:
            yield
        finally:
            for hook in hooks:
                hook.remove()

    def logits(self) -> list[tuple[Tensor, float]]:
        """Return each head's logits and the weight of its loss; forget what was heard."""
        heard, self._heard = self._heard, {}
        return [
            (head(heard[at]), weight)
            for at, head, weight in zip(self._at, self.heads, self._weights, strict=True)
        ]
