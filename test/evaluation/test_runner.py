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
import cv2
import numpy as np
import pytest
from evaluation_fakes import Oracle, Scenes

from vidseg_ros.evaluation.runner import LabelSpacesDiffer, conversion, run
from vidseg_ros.labels.registry import label_space
from vidseg_ros.labels.space import LabelSpace


def test_every_frame_is_scored_in_order_with_a_state_per_sequence():
    dataset = Scenes()
    method = Oracle(dataset)
    seen = []
    outcome = run(method, dataset, progress=lambda done, total: seen.append((done, total)))
    figures = outcome.figures
    assert figures['miou'] == figures['pixel_accuracy'] == 1.0
    assert figures['temporal_consistency'] > 0.99
    assert figures['frames'] == figures['frames_labelled'] == 7
    assert seen == [(i, 7) for i in range(1, 8)]
    asked = [a for a in method.asked if a[0] != 'warm up']
    assert asked == [(f'seq/{s}', i, s * 10**12 + i * 10**8)
                     for s, n in ((0, 4), (1, 3)) for i in range(n)]
    assert method.states == ['warm up', 'seq/0', 'seq/1']
    assert (figures['method'], figures['dataset'], figures['split']) == (
        'oracle', 'scenes', 'val')


def test_times_are_kept_by_stage():
    dataset = Scenes()
    figures = run(Oracle(dataset), dataset).figures
    stages = figures['latency_ms_by_stage']
    assert set(stages) == {'observe', 'predict', 'total', 'predict/network'}
    assert figures['latency_ms'] == stages['total']
    assert stages['total']['p50'] >= stages['predict']['p50'] > 0
    assert figures['fps'] > 0


def test_errors_cost_accuracy():
    dataset = Scenes()
    figures = run(Oracle(dataset, wrong_rows=16), dataset).figures
    assert figures['pixel_accuracy'] == pytest.approx(0.75)
    assert 0 < figures['miou'] < 1


def test_sequences_are_not_compared_with_each_other():
    outcome = run(Oracle(Scenes((1, 1, 1))), Scenes((1, 1, 1)))
    assert np.isnan(outcome.figures['temporal_consistency'])


def test_sparse_ground_truth_is_scored_where_it_is():
    dataset = Scenes((9,), every_nth_labelled=4)
    figures = run(Oracle(dataset), dataset).figures
    assert (figures['frames'], figures['frames_labelled']) == (9, 3)
    assert figures['miou'] == 1.0


def test_a_limit_ends_early_even_within_a_sequence():
    dataset = Scenes()
    assert run(Oracle(dataset), dataset, limit=5).figures['frames'] == 5


def test_predictions_are_saved_inside_the_directory(tmp_path):
    dataset = Scenes((2, 1))
    run(Oracle(dataset), dataset, save_predictions=tmp_path / 'out')
    files = sorted(p.relative_to(tmp_path).as_posix() for p in tmp_path.rglob('*.png'))
    assert files == ['out/seq_0/_frame_0_0.png', 'out/seq_0/_frame_0_1.png',
                     'out/seq_1/_frame_1_0.png']
    saved = cv2.imread(str(tmp_path / files[0]), cv2.IMREAD_UNCHANGED)
    np.testing.assert_array_equal(saved, dataset.labels(0))


def test_label_spaces_that_agree_in_part_are_converted_and_it_is_said():
    road = label_space('cityscapes').index('road')

    class OnlyRoad(Oracle):
        def predict(self, observations, states):
            (result,) = super().predict(observations, states)
            result.labels[:] = road
            return [result]

    dataset = Scenes()
    outcome = run(OnlyRoad(dataset, space='cityscapes'), dataset)
    share = np.mean([(dataset.labels(i) == label_space('camvid').index('road')).mean()
                     for i in range(len(dataset))])
    assert outcome.figures['pixel_accuracy'] == pytest.approx(share)
    assert outcome.figures['converted_from'] == 'cityscapes'
    assert 'cityscapes' in outcome.notes[0]


def test_classes_without_counterpart_are_named():
    result = conversion(label_space('camvid'), label_space('cityscapes'))
    assert 'train' in result.missing
    assert 'road' not in result.missing


def test_label_spaces_that_share_nothing_are_refused():
    alien = LabelSpace('alien', ('blob', 'goo'), np.zeros((256, 3), np.uint8))
    with pytest.raises(LabelSpacesDiffer, match="'alien' can't be scored as 'camvid'"):
        conversion(alien, label_space('camvid'))


def test_an_empty_data_set_has_no_figures():
    dataset = Scenes(())
    outcome = run(Oracle(dataset), dataset)
    assert outcome.figures['frames'] == 0
    assert np.isnan(outcome.figures['fps'])
