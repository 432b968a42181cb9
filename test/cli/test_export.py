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
import json

import cv2
import numpy as np
import pytest
import torch

from vidseg_ros.checkpoints.store import CheckpointMetadata, save_checkpoint
from vidseg_ros.cli.main import main
from vidseg_ros.methods.base import Frame
from vidseg_ros.methods.registry import MethodError, MethodOptions, create_method
from vidseg_ros.networks.registry import network_spec

SIZE = (64, 96)
# Small, and its memory goes in and out of it.
NETWORK = 'temporal_unet/vanilla_small_shallow_cgru'


@pytest.fixture(scope='module', autouse=True)
def _few_threads():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    """Return a folder with a checkpoint and a data set of six frames in two splits."""
    root = tmp_path_factory.mktemp('export')
    torch.manual_seed(3)
    save_checkpoint(
        root / 'net.safetensors', network_spec(NETWORK).build(11),
        CheckpointMetadata(NETWORK, 'camvid', SIZE, data='made up'),
    )  # fmt: skip
    rng = np.random.default_rng(0)
    for split in ('train', 'val'):
        (root / split).mkdir()
        (root / f'{split}annot').mkdir()
        for i in range(3):
            labels = np.repeat(rng.integers(0, 11, (8, 12), np.uint8).repeat(8, 0), 8, 1)
            image = (labels[..., None] * 20 + rng.integers(0, 30, (*SIZE, 3))).astype(np.uint8)
            cv2.imwrite(str(root / split / f'0016E5_{7960 + 2 * i:05}.png'), image)
            cv2.imwrite(str(root / f'{split}annot' / f'0016E5_{7960 + 2 * i:05}.png'), labels)
    return root


def _labels(checkpoint, size=SIZE, **options):
    segmenter = create_method('temporal_unet', MethodOptions(str(checkpoint), **options))
    try:
        image = np.random.default_rng(1).integers(0, 256, (*size, 3), np.uint8)
        state = segmenter.new_state('front')
        observation = segmenter.observe(Frame(image, 0, 'front', 0), state)
        return segmenter.predict([observation], [state])[0].labels, segmenter.describe()
    finally:
        segmenter.close()


@pytest.mark.parametrize('name, arguments', [
    ('open.onnx', ['--format', 'onnx', '--sizes', 'open']),
    ('open.xml', ['--format', 'openvino', '--sizes', 'open']),
    ('fixed.xml', ['--format', 'openvino']),
])  # fmt: skip
def test_a_node_can_take_an_exported_model_as_checkpoint(folder, name, arguments, capsys):
    out = folder / name
    assert main(['export', str(folder / 'net.safetensors'), *arguments, '--out', str(out)]) == 0
    assert f'wrote {out}' in capsys.readouterr().out
    options = {} if 'open' in name else {'input_size': SIZE}
    labels, described = _labels(out, **options)
    expected, _ = _labels(folder / 'net.safetensors', precision='fp32')
    assert np.mean(labels == expected) > 0.999
    assert described['checkpoint'] == str(out) and described['network'] == NETWORK


def test_int8_is_calibrated_scored_and_described(folder, capsys):
    out = folder / 'net_int8.xml'
    assert main([
        'export', str(folder / 'net.safetensors'), '--format', 'openvino', '--precision', 'int8',
        '--calibrate', 'camvid', '--root', str(folder), '--frames', '2', '--out', str(out),
    ]) == 0  # fmt: skip
    printed = capsys.readouterr().out
    assert 'calibrating with 2 frames of camvid train' in printed and 'points lost' in printed
    said = json.loads(out.with_name('net_int8.xml.json').read_text())
    accuracy = said['accuracy']
    lost = (accuracy['miou_fp32'] - accuracy['miou_int8']) * 100
    assert accuracy['data'] == 'camvid val' and accuracy['frames'] == 3
    assert accuracy['lost_points'] == pytest.approx(lost)
    assert said['speed']['int8_ms'] > 0 and said['calibration']['method'] == 'temporal_unet'
    labels, described = _labels(out, (72, 88))
    expected, _ = _labels(folder / 'net.safetensors', (72, 88), precision='fp32')
    assert described['precision'].startswith('int8') and np.mean(labels == expected) > 0.8


def test_building_fills_the_cache_and_says_what_was_chosen(folder, capsys):
    arguments = ['export', str(folder / 'net.safetensors'), '--format', 'auto', '--build-only']
    assert main([*arguments, '--size', '64', '64']) == 0
    printed = capsys.readouterr().out
    assert 'built for temporal_unet on images of 64x64' in printed
    assert 'openvino' in printed and 'onnxruntime' in printed and 'torch' in printed


def test_a_method_that_wants_parts_refuses_a_whole(folder):
    out = folder / 'whole.onnx'
    assert main(['export', str(folder / 'net.safetensors'), '--sizes', 'open', '--out',
                 str(out)]) == 0  # fmt: skip
    with pytest.raises(MethodError, match='needs a FASSVid network'):
        create_method('fassvid', MethodOptions(str(out)))
    with pytest.raises(MethodError, match=r'holds temporal_unet/.*, not icnet/half'):
        create_method('temporal_unet', MethodOptions(str(out), network='icnet/half'))


def test_a_model_of_one_size_says_which(folder):
    out = folder / 'one.onnx'
    assert main(['export', str(folder / 'net.safetensors'), '--out', str(out)]) == 0
    with pytest.raises(MethodError, match='takes images of 96x64 only: set input_height to 64'):
        create_method('temporal_unet', MethodOptions(str(out)))


@pytest.mark.parametrize('arguments, message', [
    (['--format', 'tensorrt', '--out', 'a.plan'], 'goes with --build-only'),
    (['--format', 'onnx'], '--out: say which file'),
    (['--format', 'onnx', '--out', 'a.xml'], 'should end in .onnx'),
    (['--format', 'onnx', '--precision', 'bf16', '--out', 'a.onnx'], 'onnx has fp32, fp16, int8'),
    (['--precision', 'int8', '--out', 'a.onnx'], 'needs --calibrate'),
    (['--precision', 'int8', '--calibrate', 'camvid', '--score', 'train', '--out', 'a.onnx'],
     'does not show what is lost'),
])  # fmt: skip
def test_orders_that_make_no_sense_are_refused(folder, arguments, message, capsys):
    assert main(['export', str(folder / 'net.safetensors'), *arguments]) == 2
    assert message in capsys.readouterr().err
