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
Labels from a teacher network, for video that nobody has annotated.

FASSVid (Entropy 2022), section 3.2, makes its training data so: a large network, trained on
annotated stills, segments every frame of the videos, and what it says is taken for the truth.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from vidseg_ros.datasets.base import SegmentationDataset
from vidseg_ros.datasets.errors import DatasetError
from vidseg_ros.datasets.folder import description_file
from vidseg_ros.evaluation.runner import conversion
from vidseg_ros.labels.registry import label_space as find_label_space
from vidseg_ros.labels.space import IGNORE
from vidseg_ros.methods.base import Frame, VideoSegmenter, Wanted

Image = NDArray[np.uint8]
Progress = Callable[[int, int], None]


class Teacher:
    """
    Label images with a segmenter, each by itself, in the classes of another label space.

    Pixels of which it is less certain than ``min_confidence`` (0 to 1), and classes without a
    counterpart, become 255. It does not own the segmenter.
    """

    def __init__(self, segmenter: VideoSegmenter, label_space: str = '',
                 min_confidence: float = 0.0) -> None:
        """
        Keep what is needed.

        :raises ValueError: if the confidence is no share or the label spaces have no class in
            common; KeyError for an unknown label space.
        """
        if not 0 <= min_confidence <= 1:
            raise ValueError(f'a confidence lies between 0 and 1, not {min_confidence}')
        self._segmenter = segmenter
        self.label_space = find_label_space(label_space) if label_space else segmenter.label_space
        self._conversion = conversion(segmenter.label_space, self.label_space)
        self._least = round(255 * min_confidence)
        self.min_confidence = min_confidence

    def __call__(self, image: Image) -> Image:
        """Return the labels of an image: uint8 [H, W, 3] RGB -> uint8 [H, W]."""
        segmenter = self._segmenter
        state = segmenter.new_state('teacher')
        observation = segmenter.observe(Frame(image, 0, 'teacher', 0), state)
        observation.wanted = Wanted(confidence=self._least > 0)
        (result,) = segmenter.predict([observation], [state])
        labels = np.array(self._conversion.apply(result.labels))
        if self._least:
            assert result.confidence is not None
            labels[result.confidence < self._least] = IGNORE
        return labels

    def describe(self) -> dict[str, Any]:
        """Return what should be known of the labels' origin, as plain values."""
        return {'label_space': self.label_space.name, 'min_confidence': self.min_confidence,
                'teacher': self._segmenter.describe()}


@contextmanager
def appearing(out: Path, parts: list[str], overwrite: bool) -> Iterator[Path]:
    """
    Yield a folder to write ``parts`` in; they appear in ``out`` at the end, all or none.

    :raises DatasetError: if a part is there and ``overwrite`` is false, or the disk refuses.
    """
    there = [out / part for part in parts if (out / part).exists()]
    if there and not overwrite:
        raise DatasetError(f'{there[0]} exists already')
    try:
        out.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix='.unfinished.', dir=out) as temporary:
            yield Path(temporary)
            for old in there:
                shutil.rmtree(old) if old.is_dir() else old.unlink()
            for part in parts:
                (out / part).parent.mkdir(parents=True, exist_ok=True)
                (Path(temporary) / part).rename(out / part)
    except OSError as error:
        raise DatasetError(f"can't write {out}: {error}") from error


def write_png(path: Path, pixels: Image) -> None:
    """Write labels [H, W] or an RGB image [H, W, 3]; raises OSError if the disk refuses."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if pixels.ndim == 3:
        pixels = np.asarray(cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR), np.uint8)
    done, encoded = cv2.imencode('.png', pixels)
    if not done:
        raise OSError(f'could not encode {path}')
    path.write_bytes(encoded.tobytes())


def link_or_copy(source: Path, target: Path) -> None:
    """Let ``target`` be the same file, or a copy where the file system has no links."""
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)


def label_dataset(dataset: SegmentationDataset, teacher: Teacher, out: Path, *,
                  overwrite: bool = False, progress: Progress | None = None) -> int:
    """
    Label a split; write it as a split of the data set ``folder``. Return the number of frames.

    ``progress`` is told (frames done, in all). After an error nothing of the split is there.

    :raises DatasetError: if it exists already, or can't be read or written.
    """
    def frames() -> Iterator[tuple[str, str, Path | None, Image]]:
        for index, sample in enumerate(dataset.samples):
            yield sample.sequence, sample.image.stem, sample.image, dataset.image(index)

    origin = {'data': f'{dataset.name} {dataset.split}', 'licence': dataset.licence}
    return _label(frames(), len(dataset), dataset.split, dataset.rate_hz, origin, teacher, out,
                  overwrite, progress)


def label_video(video: Path, teacher: Teacher, out: Path, *, every: int = 1, split: str = 'train',
                overwrite: bool = False, progress: Progress | None = None) -> int:
    """
    Label a video file, each ``every``-th frame of it; otherwise as ``label_dataset``.

    :raises DatasetError: if OpenCV can't read the video, besides.
    """
    if every < 1:
        raise DatasetError(f'every {every}th frame makes no sense')
    capture = cv2.VideoCapture(str(video))
    if not video.is_file() or not capture.isOpened():
        raise DatasetError(f"can't read the video {video}")
    total = int(capture.get(cv2.CAP_PROP_FRAME_COUNT))
    rate_hz = float(capture.get(cv2.CAP_PROP_FPS)) or 30.0

    def frames() -> Iterator[tuple[str, str, Path | None, Image]]:
        number = 0
        while capture.grab():
            if number % every == 0:
                read, frame = capture.retrieve()
                if not read:
                    raise DatasetError(f'{video}: frame {number} is damaged')
                rgb = np.asarray(cv2.cvtColor(frame, cv2.COLOR_BGR2RGB), np.uint8)
                yield video.stem, f'{video.stem}_{number:06d}', None, rgb
            number += 1

    try:
        return _label(frames(), -(-total // every), split, rate_hz / every, {'data': video.name},
                      teacher, out, overwrite, progress)
    finally:
        capture.release()


def _label(frames: Iterator[tuple[str, str, Path | None, Image]], total: int, split: str,
           rate_hz: float, origin: dict[str, Any], teacher: Teacher, out: Path, overwrite: bool,
           progress: Progress | None) -> int:
    description = description_file(Path(), split).name
    done = 0
    with appearing(out, [f'{split}annot', description, split], overwrite) as folder:
        for sequence, stem, file, image in frames:
            if file is not None:
                link_or_copy(file, folder / split / sequence / file.name)
            else:
                write_png(folder / split / sequence / f'{stem}.png', image)
            write_png(folder / f'{split}annot' / sequence / f'{stem}.png', teacher(image))
            done += 1
            if progress is not None:
                progress(done, max(total, done))
        if not done:
            raise DatasetError('there is no frame to label')
        (folder / description).write_text(
            json.dumps({'rate_hz': rate_hz, **origin, **teacher.describe()}, indent=2) + '\n',
            encoding='utf-8')
    return done
