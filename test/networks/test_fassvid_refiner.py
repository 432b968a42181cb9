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

import numpy as np
import pytest
import torch

from vidseg_ros.checkpoints.store import CheckpointMetadata, save_checkpoint
from vidseg_ros.methods.base import Frame
from vidseg_ros.methods.loading import MethodError
from vidseg_ros.methods.registry import MethodOptions, create_method
from vidseg_ros.networks.registry import network_spec


@pytest.mark.parametrize('base, refiner', [
    ('fassvid/base_hires', 'refiner/fassvid_hires'), ('fassvid/base', 'refiner/fassvid'),
])  # fmt: skip
@pytest.mark.parametrize('size', [(64, 96), (90, 122)])
def test_a_refiner_takes_what_the_base_gives(base, refiner, size):
    network, part = (network_spec(name).build(11).eval() for name in (base, refiner))
    image = torch.rand(1, 3, *size)
    with torch.no_grad():
        logits, features = network.with_features(image)
        assert features.shape == (1, part.feature_channels, *part.features_size(size))
        assert part(image, features).shape == logits.shape
        torch.testing.assert_close(logits, network(image))
    assert part.part_for(base) is part and part.part_for('fassvid/full') is None
    # All that the two share bears one name, and the Refiner has less of it.
    theirs, ours = network.state_dict(), part.state_dict()
    shared = {name for name in ours if name in theirs}
    assert {name.split('.')[0] for name in shared} == {
        'encoder', 'caspp', 'decoder', 'classifier'}
    assert all(ours[name].shape == theirs[name].shape for name in shared)
    assert {name.split('.')[0] for name in set(ours) - shared} == {'fine', 'project'}


def _saved(name, folder):
    spec = network_spec(name)
    torch.manual_seed(0)
    path = folder / f'{name.replace("/", "_")}.safetensors'
    save_checkpoint(path, spec.build(11), CheckpointMetadata(name, 'camvid', (64, 96)))
    return str(path)


def test_evs_refines_by_a_refiner_with_weights_of_its_own(tmp_path):
    base = _saved('fassvid/base_hires', tmp_path)
    refiner = _saved('refiner/fassvid_hires', tmp_path)

    def options(checkpoint):
        extra = {'operating_point': 2, 'refiner_checkpoint': checkpoint}
        return MethodOptions(checkpoint=base, engine='torch', precision='fp32', extra=extra)

    method = create_method('evs', options(refiner))
    state = method.new_state('front')
    rng = np.random.default_rng(0)
    image = rng.integers(0, 255, (64, 96, 3), np.uint8)
    kinds = []
    for number in range(2):
        frame = Frame(np.roll(image, 2 * number, 1), number * 10**8, 'front', number)
        (found,) = method.predict([method.observe(frame, state)], [state])
        kinds.append(found.provenance['kind'])
        assert found.labels.shape == (64, 96)
    assert kinds == ['key frame', 'refined']
    assert method.describe()['refinement'] == refiner
    assert not method.adjust(options(''))
    method.close()
    with pytest.raises(MethodError, match='no Refiner of fassvid/base_hires'):
        create_method('evs', options(_saved('refiner/fassvid', tmp_path)))
