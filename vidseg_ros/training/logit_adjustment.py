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
Find how much of the class weights to keep out of a network's logits, without training again.

    python -m vidseg_ros.training.logit_adjustment lernet_camvid --root ../shared/data/camvid

Taking a share of the log weights off the logits of a finished network does what
``logit_adjustment`` in its recipe would have done (post-hoc logit adjustment: Menon et al.,
ICLR 2021, section 4.1). Choose the share on frames that results are not reported on.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Sequence

import torch
from rich.console import Console
from rich.table import Table
from torch import Tensor, nn

from vidseg_ros.checkpoints.store import find_checkpoint, load_checkpoint
from vidseg_ros.datasets.registry import open_dataset
from vidseg_ros.networks.clip import Past, past_of
from vidseg_ros.networks.normalisation import Normalisation
from vidseg_ros.training.frames import FrameStore
from vidseg_ros.training.losses import log_class_weights
from vidseg_ros.training.objectives import confusion, mean_iou, upsampled

SHARES = (0.0, 0.25, 0.5, 0.75, 1.0)


@torch.no_grad()
def sweep(
    network: nn.Module, frames: Iterable[tuple[Tensor, Tensor]], log_weights: Tensor,
    shares: Sequence[float], trained: float = 0.0,
) -> list[float]:
    """
    Return the mean IoU of a per-frame network at each share.

    ``frames`` are normalised images [1, 3, H, W] and labels uint8 [1, H, W], 255 ignored;
    ``log_weights`` [C] are the logarithms of the class weights, of which the network was
    ``trained`` to leave out that share already.
    """
    classes = len(log_weights)
    counts = [torch.zeros(classes, classes, dtype=torch.int64) for _ in shares]
    for image, labels in frames:
        logits = upsampled(network(image), labels.shape[-2:])
        for matrix, share in zip(counts, shares, strict=True):
            shifted = logits - (share - trained) * log_weights[:, None, None]
            matrix += confusion(shifted.argmax(1), labels, classes)
    return [mean_iou(matrix) for matrix in counts]


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the mean IoU at each share."""
    parser = argparse.ArgumentParser(prog='python -m vidseg_ros.training.logit_adjustment')
    parser.add_argument('checkpoint', help='of a per-frame network')
    parser.add_argument('--dataset', default='camvid')
    parser.add_argument('--root', default='')
    parser.add_argument('--split', default='train')
    parser.add_argument('--every', type=int, default=8, help='look at every Nth frame')
    args = parser.parse_args(arguments)
    network, metadata = load_checkpoint(find_checkpoint(args.checkpoint))
    if past_of(network) is not Past.NONE:
        parser.error(f'{args.checkpoint} holds {metadata.network}, which needs earlier frames')
    if metadata.recipe.get('class_weight') != 'log':
        parser.error(f'{args.checkpoint} was not trained with class_weight: log')
    classes = open_dataset(args.dataset, args.root, 'train')
    if classes.label_space.name != metadata.label_space:
        parser.error(f'{args.checkpoint} has the classes of {metadata.label_space}')
    frequencies = FrameStore(classes).class_frequencies(classes.label_space.num_classes)
    measured = open_dataset(args.dataset, args.root, args.split)
    store = FrameStore(measured)
    normalise = Normalisation(metadata.mean, metadata.std)

    def frames() -> Iterable[tuple[Tensor, Tensor]]:
        for index in range(0, len(measured), args.every):
            image, labels = store[index]
            if labels is not None:
                yield (normalise(torch.from_numpy(image).permute(2, 0, 1)[None]),
                       torch.from_numpy(labels)[None])

    trained = float(metadata.recipe.get('logit_adjustment', 0.0))
    found = sweep(network.eval(), frames(), log_class_weights(frequencies).log(), SHARES, trained)
    table = Table('share', 'mIoU, %', title=f'{args.checkpoint}, {args.dataset} {args.split}')
    for share, miou in zip(SHARES, found, strict=True):
        mark = ' (trained)' if share == trained else ''
        table.add_row(f'{share:g}{mark}', f'{100 * miou:.2f}')
    Console().print(table)
    return 0


if __name__ == '__main__':
    sys.exit(main())
