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

import pytest
import torch
from safetensors.torch import save_file

from vidseg_ros.checkpoints.store import (
    CheckpointError,
    CheckpointMetadata,
    find_checkpoint,
    load_checkpoint,
    load_tensors,
    read_metadata,
    save_checkpoint,
    shipped_checkpoints,
)
from vidseg_ros.networks.registry import network_spec

METADATA = CheckpointMetadata('fassvid/full_hires', 'camvid', (360, 480), data='camvid train')


@pytest.fixture
def checkpoint(tmp_path):
    torch.manual_seed(0)
    network = network_spec('fassvid/full_hires').build(11)
    save_checkpoint(tmp_path / 'a.safetensors', network, METADATA)
    return tmp_path / 'a.safetensors', network


def test_what_is_saved_comes_back_but_for_half_precision(checkpoint):
    path, network = checkpoint
    loaded, metadata = load_checkpoint(path)
    assert metadata == METADATA
    assert not loaded.training
    for name, tensor in network.state_dict().items():
        if not name.endswith('num_batches_tracked'):
            torch.testing.assert_close(
                loaded.state_dict()[name], tensor, rtol=1e-3, atol=1e-6, msg=name
            )
    # Half precision: about two bytes a parameter.
    assert path.stat().st_size < 2.3 * sum(p.numel() for p in network.parameters())


def test_one_variant_can_start_from_another(checkpoint):
    path, network = checkpoint
    base = network_spec('fassvid/base_hires').build(11)
    assert load_tensors(path, base, partial=True) == []
    torch.testing.assert_close(
        base.classifier.weight, network.classifier.weight, rtol=1e-3, atol=1e-6
    )
    with pytest.raises(CheckpointError, match='the network has no tensor'):
        load_tensors(path, base)


def _write(path, tensors, metadata):
    save_file(tensors, path, metadata)
    return path


@pytest.mark.parametrize('change, message', [
    ({'format': 99}, 'checkpoint format 99'),
    ({'network': 'vgg/none'}, 'is not a network'),
    ({'label_space': 'mars'}, 'mars'),
    ({'colour': 'blue'}, 'unknown metadata: colour'),
    ({'network': None}, 'lacks'),
    ({'network': 7}, 'network is 7'),
    ({'input_size': 360}, 'input_size is 360'),
    ({'input_size': [360, 'wide']}, 'input_size is'),
    ({'mean': [0.5, 0.5]}, 'mean is'),
    ({'std': ['0', '1', '2']}, 'std is'),
    ({'metrics': [0.7]}, 'metrics is'),
    ({'recipe': 'as usual'}, 'recipe is'),
])  # fmt: skip
def test_strange_metadata_are_refused(tmp_path, change, message):
    values = {'network': 'fassvid/base', 'label_space': 'camvid', 'input_size': [8, 8],
              'format': 1, **change}  # fmt: skip
    values = {k: v for k, v in values.items() if v is not None}
    path = _write(
        tmp_path / 'x.safetensors', {'a': torch.zeros(1)}, {'vidseg_ros': json.dumps(values)}
    )
    with pytest.raises(CheckpointError, match=message):
        load_checkpoint(path)


def test_other_files_are_refused(tmp_path):
    pickle = tmp_path / 'x.pth'
    torch.save({'a': torch.zeros(1)}, pickle)
    with pytest.raises(CheckpointError, match='not a safetensors file'):
        read_metadata(pickle)
    foreign = _write(tmp_path / 'y.safetensors', {'a': torch.zeros(1)}, {})
    with pytest.raises(CheckpointError, match='not a vidseg_ros checkpoint'):
        read_metadata(foreign)
    with pytest.raises(CheckpointError, match='no such checkpoint'):
        read_metadata(tmp_path / 'none.safetensors')
    broken = _write(
        tmp_path / 'z.safetensors', {'a': torch.zeros(1)}, {'vidseg_ros': 'not JSON'}
    )
    with pytest.raises(CheckpointError, match='not JSON'):
        read_metadata(broken)


def test_wrong_shapes_and_missing_tensors_are_named(checkpoint, tmp_path):
    path, _ = checkpoint
    with pytest.raises(CheckpointError, match='shape'):
        load_tensors(path, network_spec('fassvid/full_hires').build(7))
    wider = network_spec('fassvid/fdchange_hires').build(11)
    short = tmp_path / 'short.safetensors'
    state = {k: v for k, v in wider.state_dict().items() if not k.startswith('classifier')}
    save_file(state, short, {})
    with pytest.raises(CheckpointError, match=r'lacks the tensors classifier\.'):
        load_tensors(short, wider)


def test_shipped_checkpoints_load_and_say_what_they_are():
    shipped = shipped_checkpoints()
    assert {'fassvid_camvid', 'fassvid_base_camvid'} <= set(shipped)
    for name in shipped:
        network, metadata = load_checkpoint(find_checkpoint(name))
        assert metadata.label_space and metadata.data and metadata.recipe and metadata.licence
        assert all(torch.isfinite(p).all() for p in network.parameters())


def test_a_missing_checkpoint_is_refused_with_the_shipped_names():
    with pytest.raises(CheckpointError, match='fassvid_camvid'):
        find_checkpoint('nothing')
