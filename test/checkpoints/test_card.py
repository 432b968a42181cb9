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

import torch

from vidseg_ros.checkpoints.card import card, write_card
from vidseg_ros.checkpoints.store import CheckpointMetadata, save_checkpoint

SCORES = {
    'data': 'camvid val', 'method': 'per_frame', 'frames': 51, 'miou': 0.61, 'pixel_accuracy': 0.9,
    'mean_accuracy': 0.7, 'temporal_consistency': 0.96, 'per_class_iou': {'sky': 0.93},
}  # fmt: skip
METRICS = {
    'command': 'vidseg train espnet/q3', 'epochs': 60, 'hours': 3.25, 'scores': SCORES,
    'parent': 'base.safetensors', 'remark': 'Began anew once.',
    'validation': {'data': '1/5 of camvid train', 'miou': 0.58},
    'machine': {'processor': 'AMD EPYC', 'cores': '2', 'used': '1 CPU threads', 'torch': '2.13'},
}  # fmt: skip
METADATA = CheckpointMetadata(
    'espnet/q3', 'camvid', (360, 480), data='camvid train', licence='for research',
    recipe={'epochs': 60, 'seed': 5}, metrics=METRICS,
)  # fmt: skip


def test_a_card_says_what_where_how_long_and_how_well():
    text = card('net', METADATA, 'net.curve.png')
    for said in (
        '# net', '| network | `espnet/q3` |', 'sky, building',
        '| licence of the data | for research |',
        '| command | `vidseg train espnet/q3` |', '| frozen parent | `base.safetensors` |',
        '| remark | Began anew once. |',
        '| machine | AMD EPYC, 1 CPU threads, torch 2.13 |',
        '| training time | 3.2 h, 60 epochs |', '](net.curve.png)', '| mean IoU | 0.6100 |',
        '| IoU sky | 0.9300 |', 'on 1/5 of camvid train: miou 0.5800.', '- seed: 5', '## Limits',
    ):  # fmt: skip
        assert said in text, said
    short = card('net', CheckpointMetadata('espnet/q3', 'camvid', (8, 8), metrics={'hours': 0.5}))
    assert '| training time | 30 min |' in short


def test_a_card_of_a_checkpoint_that_does_not_say_much(tmp_path):
    path = tmp_path / 'old.safetensors'
    save_checkpoint(
        path, torch.nn.Conv2d(1, 1, 1), CheckpointMetadata('espnet/q3', 'camvid', (8, 8)))
    text = write_card(path).read_text()
    assert '| machine | not recorded |' in text and '| training time | not recorded |' in text
    assert '| licence of the data | unknown |' in text and 'Not measured.' in text
    assert '![' not in text
    # The picture of the curve, once it lies beside.
    (tmp_path / 'old.curve.png').write_bytes(b'')
    assert '](old.curve.png)' in write_card(path).read_text()
