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
"""Reading images and label images from files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image as PillowImage

from vidseg_ros.datasets.errors import DatasetError

Image = NDArray[np.uint8]


def read_rgb(path: Path) -> Image:
    """
    Read an image of any usual format: uint8 [H, W, 3] RGB.

    :raises DatasetError: naming the file, if it is missing, damaged or no image.
    """
    try:
        with PillowImage.open(path) as image:
            return np.array(image if image.mode == 'RGB' else image.convert('RGB'))
    except (OSError, SyntaxError, ValueError, PillowImage.DecompressionBombError) as error:
        raise DatasetError(f"can't read the image {path}: {error}") from error


def read_labels(path: Path) -> Image:
    """
    Read a label image, one byte a pixel or with a palette: uint8 [H, W], values as stored.

    :raises DatasetError: naming the file, if it is missing, damaged or has several channels.
    """
    try:
        with PillowImage.open(path) as image:
            if image.mode not in ('L', 'P'):
                raise DatasetError(f'{path} is no label image: it has mode {image.mode}, '
                                   'where one byte a pixel is needed')
            return np.array(image)
    except DatasetError:
        raise
    except (OSError, SyntaxError, ValueError, PillowImage.DecompressionBombError) as error:
        raise DatasetError(f"can't read the labels {path}: {error}") from error


def read_size(path: Path) -> tuple[int, int]:
    """
    Read (height, width) of an image from its header alone.

    :raises DatasetError: naming the file, if it is missing or no image.
    """
    try:
        with PillowImage.open(path) as image:
            return image.height, image.width
    except (OSError, SyntaxError, ValueError, PillowImage.DecompressionBombError) as error:
        raise DatasetError(f"can't read the image {path}: {error}") from error
