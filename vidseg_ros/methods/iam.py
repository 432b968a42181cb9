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
The Inconsistencies Attention Module: where propagated labels are not to be trusted.

Source: Paul et al., "Efficient Video Semantic Segmentation with Labels Propagation and
Refinement", section 3.4, Eq. 3 and 4, Fig. 3. It works at the resolution of the predictions
(512x256 of a 2048x1024 image).
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from vidseg_ros.flow.chain import Flow, fetch, positions, resize_flow
from vidseg_ros.methods.base import Image
from vidseg_ros.methods.best_class import best_class
from vidseg_ros.methods.buffers import Scratch
from vidseg_ros.methods.stage_clock import StageClock

# How far attention reaches around an inconsistency, in pixels of the predictions; the paper
# names no size. Smoothing reaches as far as dilation, so that the inconsistencies themselves
# keep the weight 1 of Eq. 3.
REACH = 2

# No classes: what was outside of the image, on the way forward and on the way back.
_NEVER_SEEN, _LOST = 255, 254


def inconsistent(labels: Image, back: Flow, forth: Flow) -> NDArray[np.bool_]:
    """
    Return where warping forward, back and forward again gives another label (Eq. 3).

    ``labels`` uint8 [h, w] are the earlier frame's. ``back`` leads from the current frame to
    the earlier one, ``forth`` the other way, float32 [h, w, 2]. What the earlier frame did not
    show is inconsistent, too. Returns bool [h, w] on the current frame.
    """
    to_earlier, to_current = positions(back), positions(forth)
    forward = fetch(labels, to_earlier, outside=_NEVER_SEEN)  # L_F
    backward = fetch(forward, to_current, outside=_LOST)
    again = fetch(backward, to_earlier, outside=_LOST)  # L_BF
    return forward != again


def attention(mask: NDArray[np.bool_]) -> NDArray[np.float32]:
    """
    Dilate and smooth the mask of inconsistencies; return M_i, float32 [h, w] in [0, 1].

    Both are squares of 2 ``REACH`` + 1 pixels: M_i is 1 on the inconsistencies and falls to 0
    at 2 ``REACH`` + 1 pixels from them.
    """
    side = 2 * REACH + 1
    dilated = cv2.dilate(mask.astype(np.float32), np.ones((side, side), np.uint8))
    smooth = cv2.blur(dilated, (side, side), borderType=cv2.BORDER_REPLICATE)
    # Running sums leave traces of 1e-8 where nothing is, and 0.9999999 inside.
    return np.where(smooth < 1e-4, 0.0, np.where(smooth > 1 - 1e-4, 1.0, smooth)).astype(
        np.float32
    )


def blend(
    refiner: NDArray[np.float32],
    warped: NDArray[np.float32],
    weight: NDArray[np.float32],
    out: NDArray[np.float32] | None = None,
) -> NDArray[np.float32]:
    """
    Return P_refined = M o P_refiner + (1 - M) o P_warped (Eq. 4).

    Both predictions are probabilities [C, h, w], ``weight`` is M_i [h, w]. The result is ``out``
    or a new array.
    """
    out = np.multiply(refiner, weight, out=out)
    rest = np.float32(1) - weight
    for plane, other in zip(out, warped, strict=True):
        plane += rest * other
    return out


class InconsistenciesAttentionModule:
    """
    Blend a fresh prediction with the warped one of a key frame (Fig. 3 and 4).

    Keeps its work space, so it belongs to one thread at a time.
    """

    def __init__(self) -> None:
        self._scratch = Scratch()

    def __call__(
        self,
        refiner: NDArray[np.float32],
        earlier: NDArray[np.float32],
        back: Flow,
        forth: Flow,
        clock: StageClock,
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """
        Return P_refined float32 [C, h, w] and M_i float32 [h, w].

        ``refiner`` is P_refiner of the frame, ``earlier`` the key frame's prediction, both
        probabilities [C, h, w]. ``back`` and ``forth`` are flows on grids of any size, to the key
        frame and from it. P_refined is overwritten by the next call.
        """
        classes, height, width = refiner.shape
        back, forth = resize_flow(back, (height, width)), resize_flow(forth, (height, width))
        planes = self._scratch.take('planes', (height, width, classes), np.float32)
        np.copyto(planes, earlier.transpose(1, 2, 0))
        warped = fetch(planes, positions(back), nearest=False).transpose(2, 0, 1)
        clock.lap('warping')
        weight = attention(inconsistent(best_class(earlier), back, forth))
        refined = self._scratch.take('refined', refiner.shape, np.float32)
        blend(refiner, warped, weight, out=refined)
        clock.lap('iam')
        return refined, weight
