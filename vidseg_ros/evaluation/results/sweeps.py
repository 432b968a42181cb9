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
How accuracy changes with a method's knob: the papers' curves.

Where a result depends on how long ago the last key frame was, the video is run once for each
place at which the key frames can fall, so that every frame is scored at every distance.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from vidseg_ros.checkpoints.store import shipped_checkpoints
from vidseg_ros.datasets.base import SegmentationDataset
from vidseg_ros.evaluation.confusion import ConfusionMatrix
from vidseg_ros.evaluation.runner import conversion
from vidseg_ros.methods.base import Frame, Segmentation, VideoSegmenter
from vidseg_ros.methods.registry import MethodOptions, create_method

LONGEST = 10
KEY_INTERVALS = (1, 2, 3, 5, 7, 10)
FLOW_LIMITS = (0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 4.0, 6.0)
THRESHOLDS = (0.80, 0.85, 0.90, 0.92, 0.94, 0.96, 0.98, 1.0)


def sweeps(dataset: SegmentationDataset, engine: str,
           tell: Callable[[str], None] = lambda _: None) -> dict[str, Any]:
    """
    Return the curves whose weights ship, by name: points and what their axes mean.

    ``evs``: mIoU against propagation distance, with and without warping (EVS, Fig. 6);
    ``dvsnet``: mIoU and the share of regions segmented, against the policy's threshold (DVSNet,
    Fig. 8); ``lernet_tha``: mIoU against K, the mean over the distances.
    """
    shipped = shipped_checkpoints()
    curves: dict[str, Any] = {}
    if 'fassvid_base_camvid' in shipped:
        tell('evs against propagation distance')
        curves['evs'] = {
            name: by_distance('evs', 'fassvid_base_camvid', dataset, engine,
                              {'segment_every': LONGEST + 1, 'warping': warping})
            for name, warping in (('warped', True), ('repeated', False))}
        tell('dvsnet against its threshold')
        curves['dvsnet'] = {'flow_magnitude': [
            _dvsnet_point(
                dataset, engine, {'policy': 'flow_magnitude', 'flow_magnitude': limit}, limit)
            for limit in FLOW_LIMITS]}
        if 'decision_camvid' in shipped:
            curves['dvsnet']['confidence'] = [
                _dvsnet_point(
                    dataset, engine, {'policy': 'confidence', 'threshold': threshold,
                                      'decision_checkpoint': 'decision_camvid'}, threshold)
                for threshold in THRESHOLDS]
    if 'lernet_tha_camvid' in shipped:
        tell('lernet_tha against K')
        curves['lernet_tha'] = [
            {'k': interval, 'miou': _mean_over_places('lernet_tha', 'lernet_tha_camvid', dataset,
                                                      engine, {'key_interval': interval},
                                                      interval)}
            for interval in KEY_INTERVALS]
    return curves


def by_distance(method: str, checkpoint: str, dataset: SegmentationDataset, engine: str,
                knobs: Mapping[str, Any]) -> list[dict[str, float]]:
    """Return the mIoU at each distance from the last key frame, 0 to ``segment_every`` - 1."""
    interval = int(knobs['segment_every'])
    matrices = [ConfusionMatrix(dataset.label_space.num_classes) for _ in range(interval)]
    with _opened(method, checkpoint, engine, knobs) as segmenter:
        for place in range(interval):
            for number, matrix_of in _scored(segmenter, dataset, place):
                matrix_of(matrices[number % interval])
    return [{'distance': distance, 'miou': matrix.miou}
            for distance, matrix in enumerate(matrices) if matrix.pixels]


def _mean_over_places(method: str, checkpoint: str, dataset: SegmentationDataset, engine: str,
                      knobs: Mapping[str, Any], interval: int) -> float:
    """Return the mIoU over all frames at all distances."""
    matrix = ConfusionMatrix(dataset.label_space.num_classes)
    with _opened(method, checkpoint, engine, knobs) as segmenter:
        for place in range(interval):
            for _, matrix_of in _scored(segmenter, dataset, place):
                matrix_of(matrix)
    return matrix.miou


def _dvsnet_point(dataset: SegmentationDataset, engine: str, knobs: Mapping[str, Any],
                  value: float) -> dict[str, float]:
    """Return mIoU and the share of regions that were segmented, the first frame left out."""
    matrix = ConfusionMatrix(dataset.label_space.num_classes)
    segmented, regions = 0, 0
    with _opened('dvsnet', 'fassvid_base_camvid', engine, knobs) as segmenter:
        for indices in dataset.sequences():
            for number, result, score in _run(segmenter, dataset, indices):
                score(matrix)
                if number:
                    segmented += len(result.provenance['segmented_regions'])
                    regions += result.provenance['regions']
    return {'threshold': value, 'miou': matrix.miou,
            'segmented': segmented / regions if regions else 1.0}


@contextmanager
def _opened(method: str, checkpoint: str, engine: str,
            knobs: Mapping[str, Any]) -> Iterator[VideoSegmenter]:
    segmenter = create_method(method, MethodOptions(
        checkpoint=checkpoint, engine=engine, extra=dict(knobs)))
    try:
        yield segmenter
    finally:
        segmenter.close()


Score = Callable[[ConfusionMatrix], object]


def _scored(segmenter: VideoSegmenter, dataset: SegmentationDataset,
            skip: int) -> Iterator[tuple[int, Score]]:
    """Run each sequence from its ``skip``-th frame on; yield frame numbers and scores."""
    for indices in dataset.sequences():
        for number, _, score in _run(segmenter, dataset, indices[skip:]):
            yield number, score


def _run(segmenter: VideoSegmenter, dataset: SegmentationDataset,
         indices: list[int]) -> Iterator[tuple[int, Segmentation, Score]]:
    reading = conversion(segmenter.label_space, dataset.label_space)
    state = segmenter.new_state('sweep')
    for number, index in enumerate(indices):
        frame = Frame(dataset.image(index), dataset.samples[index].stamp_ns, 'sweep', number)
        observation = segmenter.observe(frame, state)
        (result,) = segmenter.predict([observation], [state])
        truth = dataset.labels(index)
        labels = reading.apply(result.labels)

        def score(matrix: ConfusionMatrix, labels: Any = labels, truth: Any = truth) -> object:
            return None if truth is None else matrix.update(labels, truth)

        yield number, result, score
