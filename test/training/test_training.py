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

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from vidseg_ros.checkpoints.store import load_checkpoint
from vidseg_ros.labels.registry import label_space
from vidseg_ros.networks.registry import network_spec
from vidseg_ros.training.clips import augmentation, camera_motion, make_clip
from vidseg_ros.training.loader import ClipLoader
from vidseg_ros.training.losses import SegmentationLoss, log_class_weights
from vidseg_ros.training.recipe import Recipe, RecipeError
from vidseg_ros.training.trainer import Trainer, TrainingError

RECIPE = Recipe(
    epochs=2, batch_size=2, crop=(64, 96), precision='32-true', scale=(1.0, 1.0), flip=0.0,
    colour=0.0, seed=5,
)  # fmt: skip


class Stripes:
    """A data set in memory: coloured stripes, one colour a class, each frame shifted."""

    name = 'stripes'
    licence = 'made in this test'
    split = 'train'
    label_space = label_space('camvid')

    def __init__(self, frames=4, size=(64, 96)):
        self._frames = []
        for i in range(frames):
            columns = (np.arange(size[1]) + 7 * i) // 16 % 5
            labels = np.broadcast_to(columns, size).astype(np.uint8)
            image = np.stack([labels * 50, 255 - labels * 40, labels * 17], -1)
            self._frames.append((image.astype(np.uint8), labels.copy()))

    def __len__(self):
        return len(self._frames)

    def image(self, index):
        return self._frames[index][0]

    def labels(self, index):
        return self._frames[index][1]


def test_a_recipe_with_a_typing_error_is_refused(tmp_path):
    path = tmp_path / 'r.yaml'
    path.write_text('epoch: 3\n')
    with pytest.raises(RecipeError, match=r'r\.yaml: unknown keys: epoch'):
        Recipe.load(path)
    path.write_text('optimizer: adagrad\n')
    with pytest.raises(RecipeError, match='adagrad'):
        Recipe.load(path)
    path.write_text('epochs: 0\n')
    with pytest.raises(RecipeError, match='at least 1'):
        Recipe.load(path)


@pytest.mark.parametrize(
    'path', sorted(Path(__file__).parents[2].glob('config/training/*.yaml')), ids=lambda p: p.stem
)
def test_shipped_recipes_are_sound(path):
    assert Recipe.load(path).epochs >= 1


def test_augmentation_at_rest_is_the_identity():
    rng = np.random.default_rng(0)
    np.testing.assert_allclose(augmentation((64, 96), RECIPE, rng), np.eye(3), atol=1e-12)
    np.testing.assert_allclose(camera_motion((64, 96), 0.0, rng), np.eye(3), atol=1e-12)


def test_labels_move_with_the_image():
    rng = np.random.default_rng(1)
    recipe = replace(RECIPE, scale=(0.5, 2.0), flip=0.5, stream_start=0.0)
    labels = (np.indices((64, 96)).sum(0) // 24 % 5).astype(np.uint8)
    image = np.repeat(labels[..., None] * 50, 3, -1).astype(np.uint8)
    for _ in range(10):
        clip = make_clip(image, labels, recipe, rng)
        known = clip.labels != 255
        painted = np.rint(clip.image[..., 0] / 50).astype(np.uint8)
        # Interpolation blurs the edges only.
        assert (painted[known] == clip.labels[known]).mean() > 0.85


def test_a_clip_that_starts_a_stream_has_no_past():
    recipe = replace(RECIPE, stream_start=1.0)
    data = Stripes()
    clip = make_clip(data.image(0), data.labels(0), recipe, np.random.default_rng(0))
    assert clip.starts and not clip.earlier.any() and not clip.last.any()
    recipe = replace(RECIPE, stream_start=0.0)
    clip = make_clip(data.image(0), data.labels(0), recipe, np.random.default_rng(0))
    assert not clip.starts and clip.earlier.any()
    # The camera moved further over k frames than over one.
    def change(other):
        return np.abs(clip.image.astype(int) - other).mean()

    assert change(clip.earlier) > change(clip.last)


def test_an_epoch_is_the_same_however_many_threads_make_it():
    recipe = replace(RECIPE, scale=(0.5, 2.0), flip=0.5, colour=0.3)
    one = list(ClipLoader(Stripes(), recipe, threads=1).epoch(3))
    three = list(ClipLoader(Stripes(), recipe, threads=3, ahead=1).epoch(3))
    assert len(one) == 2
    for a, b in zip(one, three, strict=True):
        assert torch.equal(a.image, b.image) and torch.equal(a.earlier, b.earlier)
        assert torch.equal(a.labels, b.labels)
    other = list(ClipLoader(Stripes(), recipe, threads=1).epoch(4))
    assert not torch.equal(one[0].image, other[0].image)


def test_class_frequencies_count_labelled_pixels():
    frequencies = ClipLoader(Stripes(), RECIPE).class_frequencies(11)
    assert frequencies.sum() == pytest.approx(1.0)
    assert (frequencies[5:] == 0).all() and (frequencies[:5] > 0).all()
    weights = log_class_weights(frequencies)
    assert weights.mean() == pytest.approx(1.0) and weights.argmax() >= 5


def test_bootstrapping_keeps_the_hardest_pixels():
    recipe = replace(RECIPE, class_weight='none', loss='bootstrapped', bootstrap_fraction=0.25)
    loss = SegmentationLoss(recipe, np.ones(2) / 2)
    logits = torch.zeros(1, 2, 2, 4)
    logits[0, 0] = torch.tensor([[9.0] * 4, [9.0, 9.0, -3.0, -3.0]])
    labels = torch.zeros(1, 2, 4, dtype=torch.uint8)
    # Two of eight pixels are wrong: just those are a quarter.
    assert float(loss(logits, labels)) == pytest.approx(float(np.log1p(np.exp(3))), rel=1e-4)
    labels[0, 1, 2:] = 255
    assert float(loss(logits, labels)) < 1e-3


@pytest.mark.parametrize('name', ['fassvid/base_hires', 'fassvid/full_hires'])
def test_a_network_learns_four_frames_by_heart(tmp_path, name):
    recipe = replace(RECIPE, epochs=30, batch_size=4, learning_rate=5e-3, ema=0.8,
                     class_weight='none')  # fmt: skip
    losses = []
    trainer = Trainer(network_spec(name), Stripes(), recipe, tmp_path / 'o.safetensors')
    network = trainer.run(lambda progress: losses.append(progress.loss))
    assert losses[-1] < losses[0] / 3
    loaded, metadata = load_checkpoint(tmp_path / 'o.safetensors')
    assert metadata.data == 'stripes train' and metadata.recipe['epochs'] == 30
    assert type(loaded) is type(network)


def test_a_killed_run_goes_on_to_the_same_weights(tmp_path):
    spec, data = network_spec('fassvid/full_hires'), Stripes()
    recipe = replace(RECIPE, epochs=3)
    whole = Trainer(spec, data, recipe, tmp_path / 'whole.safetensors').run(lambda _: None)

    class Killed(Exception):
        pass

    def kill(progress):
        if progress.epoch == 3:
            raise Killed

    out = tmp_path / 'killed.safetensors'
    with pytest.raises(Killed):
        Trainer(spec, data, recipe, out).run(kill)
    assert not out.exists()
    again = Trainer(spec, data, recipe, out)
    assert again.resume() == 2
    resumed = again.run(lambda _: None)
    for a, b in zip(whole.state_dict().values(), resumed.state_dict().values(), strict=True):
        torch.testing.assert_close(a, b, rtol=0, atol=0)


def test_a_state_of_another_training_is_refused(tmp_path):
    out = tmp_path / 'a.safetensors'
    Trainer(network_spec('fassvid/base_hires'), Stripes(), RECIPE, out).run(lambda _: None)
    other = Trainer(
        network_spec('fassvid/base_hires'), Stripes(), replace(RECIPE, seed=6), out
    )
    with pytest.raises(TrainingError, match='another training'):
        other.resume()
