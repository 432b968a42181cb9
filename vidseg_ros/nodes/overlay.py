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
"""The image with its classes in colour on it, and a legend that says which is which."""

from __future__ import annotations

import cv2
import numpy as np

from vidseg_ros.labels.space import IGNORE, LabelSpace
from vidseg_ros.methods.base import Image

_FONT = cv2.FONT_HERSHEY_SIMPLEX


class Overlay:
    """
    Draw overlays of one label space.

    Legends are drawn once for each image size and kept. Not for use by two threads at once.
    """

    def __init__(self, space: LabelSpace) -> None:
        self.space = space
        self._legends: dict[tuple[int, int], Image] = {}
        self._colors: Image = np.zeros((0, 0, 3), np.uint8)
        self._drawn: Image = self._colors
        self._unlabelled: Image = np.zeros((0, 0), np.uint8)

    def draw(self, image: Image, labels: Image, opacity: float, legend: bool = True) -> Image:
        """
        Return uint8 [H, W, 3] RGB: ``opacity`` parts of colour on the image.

        It is valid until the next call. ``image`` is uint8 [H, W, 3] RGB and ``labels`` uint8
        [H, W]. Unlabelled pixels keep the image's colour. The legend goes into the upper left
        corner.
        """
        if self._colors.shape != image.shape:
            self._colors = np.empty(image.shape, np.uint8)
            self._drawn = np.empty(image.shape, np.uint8)
            self._unlabelled = np.empty(image.shape[:2], np.uint8)
        colors = self.space.colorize(labels, self._colors)
        drawn, unlabelled = self._drawn, self._unlabelled
        cv2.addWeighted(image, 1.0 - opacity, colors, opacity, 0.0, dst=drawn)
        np.equal(labels, IGNORE, out=unlabelled.view(np.bool_))
        if cv2.countNonZero(unlabelled):
            cv2.copyTo(image, unlabelled, drawn)
        if legend:
            box = self._legend(image.shape[0], image.shape[1])
            drawn[:box.shape[0], :box.shape[1]] = box
        return drawn

    def _legend(self, height: int, width: int) -> Image:
        size = height, width
        if size not in self._legends:
            if len(self._legends) >= 16:  # sizes that keep changing must not fill the memory
                self._legends.clear()
            self._legends[size] = self._draw_legend(height, width)
        return self._legends[size]

    def _draw_legend(self, height: int, width: int) -> Image:
        """Draw the legend as large as is legible, cut to the image where that is too small."""
        scale = min(1.5, max(0.3, height / 1600))
        text_height = cv2.getTextSize('Ag', _FONT, scale, 1)[0][1]
        line = int(text_height * 1.9) + 1
        rows = max(1, min(self.space.num_classes, height // 2 // line))
        columns = -(-self.space.num_classes // rows)
        rows = -(-self.space.num_classes // columns)  # columns of the same length
        text_width = max(cv2.getTextSize(name, _FONT, scale, 1)[0][0]
                         for name in self.space.classes)
        column_width = text_width + line * 3 // 2
        box = np.full((rows * line + line // 2, columns * column_width, 3), 24, np.uint8)
        for index, name in enumerate(self.space.classes):
            x = (index // rows) * column_width + line // 3
            y = (index % rows) * line + line // 4
            color = tuple(int(channel) for channel in self.space.palette[index])
            cv2.rectangle(box, (x, y), (x + line - 4, y + line - 4), color, cv2.FILLED)
            cv2.putText(box, name, (x + line, y + text_height + (line - text_height) // 2 - 2),
                        _FONT, scale, (235, 235, 235), 1, cv2.LINE_AA)
        return np.ascontiguousarray(box[:height, :width])
