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

import numpy as np
import pytest
import torch
from torch import nn

from vidseg_ros.checkpoints.store import MEAN, STD
from vidseg_ros.networks.auxiliary import Auxiliary, AuxiliaryHeads
from vidseg_ros.networks.clip import Past
from vidseg_ros.networks.decision import DecisionNetwork
from vidseg_ros.networks.flownet import FlowOutput
from vidseg_ros.networks.normalisation import Normalisation
from vidseg_ros.networks.pspnet import PSPNet
from vidseg_ros.networks.registry import network_spec
from vidseg_ros.training.assembly import Sources, TrainingError, make_objective
from vidseg_ros.training.decision import DecisionObjective
from vidseg_ros.training.flow import FlowObjective
from vidseg_ros.training.frames import FrameStore
from vidseg_ros.training.loader import Batch, ClipLoader
from vidseg_ros.training.losses import SegmentationLoss, log_class_weights
from vidseg_ros.training.objectives import SegmentationObjective, mean_iou
from vidseg_ros.training.overfit import Scenes
from vidseg_ros.training.refinement import RefinementObjective

PLAIN = Normalisation((0.0, 0.0, 0.0), (1.0, 1.0, 1.0))


def test_class_frequencies_count_labelled_pixels(stripes):
    frequencies = FrameStore(stripes()).class_frequencies(11)
    assert frequencies.sum() == pytest.approx(1.0)
    assert (frequencies[5:] == 0).all() and (frequencies[:5] > 0).all()
    weights = log_class_weights(frequencies)
    assert weights.mean() == pytest.approx(1.0) and weights.argmax() >= 5


def test_bootstrapping_keeps_the_hardest_pixels(recipe):
    recipe = replace(recipe, class_weight='none', loss='bootstrapped', bootstrap_fraction=0.25)
    loss = SegmentationLoss(recipe, np.ones(2) / 2)
    logits = torch.zeros(1, 2, 2, 4)
    logits[0, 0] = torch.tensor([[9.0] * 4, [9.0, 9.0, -3.0, -3.0]])
    labels = torch.zeros(1, 2, 4, dtype=torch.uint8)
    # Two of eight pixels are wrong: just those are a quarter.
    assert float(loss(logits, labels)) == pytest.approx(float(np.log1p(np.exp(3))), rel=1e-4)
    labels[0, 1, 2:] = 255
    assert float(loss(logits, labels)) < 1e-3


@pytest.mark.parametrize('class_weight', ['none', 'log'])
def test_the_loss_is_torchs_cross_entropy(recipe, class_weight):
    generator = torch.Generator().manual_seed(1)
    loss = SegmentationLoss(replace(recipe, class_weight=class_weight), np.array([0.7, 0.2, 0.1]))
    logits = torch.randn(2, 3, 4, 5, generator=generator)
    labels = torch.randint(0, 3, (2, 4, 5), generator=generator).byte()
    labels[:, 0] = 255
    expected = nn.functional.cross_entropy(
        logits, labels.long(), loss.weight, ignore_index=255)
    assert float(loss(logits, labels)) == pytest.approx(float(expected), rel=1e-5)
    # With nothing labelled there is nothing to lose, and no division by zero.
    assert float(loss(logits, torch.full_like(labels, 255))) == 0.0
    importance = torch.zeros(2, 4, 5)
    importance[0, 2, 3] = 2.0
    total, mass = loss.terms(logits, labels, importance)
    one = nn.functional.cross_entropy(
        logits[:1, :, 2, 3], labels[:1, 2, 3].long(), loss.weight, reduction='sum')
    assert float(total) == pytest.approx(2 * float(one), rel=1e-5) and float(mass) == 2.0


@pytest.mark.parametrize('share', [0.0, 0.75, 1.0])
def test_logit_adjustment_keeps_the_class_weights_out_of_the_logits(recipe, share):
    """A network that sees nothing learns the classes' frequencies, times w^(1 - share)."""
    frequencies = np.array([0.7, 0.25, 0.05])
    recipe = replace(recipe, class_weight='log', logit_adjustment=share)
    loss = SegmentationLoss(recipe, frequencies)
    labels = torch.from_numpy(np.repeat([0, 1, 2], [140, 50, 10]).astype(np.uint8))
    logits = nn.Parameter(torch.zeros(3))
    optimizer = torch.optim.LBFGS([logits], max_iter=100, line_search_fn='strong_wolfe')

    def step():
        optimizer.zero_grad()
        value = loss(logits[None, :, None, None].expand(1, 3, 10, 20), labels.view(1, 10, 20))
        value.backward()
        return value

    optimizer.step(step)
    weights = log_class_weights(frequencies).numpy()
    expected = frequencies * weights ** (1 - share)
    np.testing.assert_allclose(logits.detach().softmax(0), expected / expected.sum(), rtol=1e-3)


def test_mean_iou_counts_classes_that_occur():
    assert mean_iou(torch.diag(torch.tensor([3, 0, 5]))) == 1.0
    assert mean_iou(torch.tensor([[2, 2], [0, 4]])) == pytest.approx((2 / 4 + 4 / 6) / 2)
    assert mean_iou(torch.zeros(2, 2, dtype=torch.int64)) == 0.0


class Remembering(nn.Module):
    """Logits of a frame are its first channels; of the frame before, the opposite."""

    past = Past.KEY_FRAME

    def unroll(self, frames, starts):
        return {0: -frames[:, 0, :2], 1: frames[:, 1, :2]}


def test_the_past_weight_weighs_the_frames_before_the_last(recipe):
    images = torch.zeros(1, 2, 3, 4, 4, dtype=torch.uint8)
    images[:, :, 0] = 200
    batch = Batch(images, torch.zeros(1, 2, 4, 4, dtype=torch.uint8), torch.tensor([False]))
    losses = []
    for weight in (0.0, 1.0):
        chosen = replace(recipe, past_weight=weight, class_weight='none')
        loss = SegmentationLoss(chosen, np.ones(2) / 2)
        objective = SegmentationObjective(Remembering(), loss, chosen, 2)
        outcome = objective.eval()(batch)
        losses.append(float(outcome.loss))
        # What the method would show is the last frame.
        assert objective.measures(outcome.counts)['miou'] == 1.0 and outcome.counts.sum() == 16
    assert losses[0] < 0.2 < losses[1]


class Propagating(nn.Module):
    """Logits are the channels, scaled by what is learned; a frame alone always by 3."""

    past = Past.KEY_FRAME

    def __init__(self):
        super().__init__()
        self.scale = nn.Parameter(torch.tensor(1.0))
        self.modes = []

    def unroll(self, frames, starts):
        return {1: self.scale * frames[:, 1, :2]}

    def alone(self, image):
        self.modes.append(self.training)
        return 3.0 * image[:, :2]


def test_a_propagated_frame_learns_from_the_same_frame_alone(recipe):
    recipe = replace(recipe, distillation=5.0)
    loss = SegmentationLoss(recipe, np.ones(2) / 2)
    images = torch.randint(0, 256, (2, 2, 3, 8, 8), generator=torch.Generator().manual_seed(0))
    # Without labels nothing else is learned.
    labels = torch.full((2, 2, 8, 8), 255, dtype=torch.uint8)
    batch = Batch(images.byte(), labels, torch.tensor([False] * 2))
    network = Propagating()
    objective = SegmentationObjective(network, loss, recipe, 2)
    optimizer = torch.optim.Adam(network.parameters(), 0.1)
    values = []
    for _ in range(60):
        optimizer.zero_grad()
        outcome = objective.train()(batch)
        outcome.loss.backward()
        optimizer.step()
        values.append(float(outcome.loss.detach()))
    assert values[0] > 0.1 and values[-1] < 1e-2 and float(network.scale.detach()) > 2.0
    # What teaches is as it is when it runs, and is not measured with.
    assert not any(network.modes) and network.training
    assert float(objective.eval()(batch).loss) == 0.0
    with pytest.raises(ValueError, match='Remembering has nothing to learn from'):
        SegmentationObjective(Remembering(), loss, recipe, 2)


class Guided(nn.Module):
    """Segment by a 1x1 convolution, with an auxiliary head on its input's features."""

    def __init__(self):
        super().__init__()
        self.inner = nn.Conv2d(3, 4, 3, padding=1)
        self.classifier = nn.Conv2d(4, 2, 1)
        self.passes = 0

    def forward(self, image):
        self.passes += 1
        return self.classifier(self.inner(image))

    def auxiliaries(self):
        return [Auxiliary('inner', nn.Conv2d(4, 2, 1), 0.4)]


def test_auxiliary_heads_add_their_loss_while_a_network_trains(recipe):
    recipe = replace(recipe, class_weight='none')
    loss = SegmentationLoss(recipe, np.ones(2) / 2)
    images = torch.randint(0, 256, (2, 1, 3, 8, 8), generator=torch.Generator().manual_seed(0))
    batch = Batch(images.byte(), (images[:, :, 0] > 128).byte(), torch.tensor([False] * 2))
    network = Guided()
    guided = SegmentationObjective(network, loss, recipe, 2)
    alone = SegmentationObjective(network, loss, replace(recipe, auxiliary=0.0), 2)
    assert len(guided.companions) == 1 and len(alone.companions) == 0
    outcome = guided.train()(batch)
    (head,) = guided.companions[0].heads
    with torch.no_grad():
        logits = head(network.inner(Normalisation(MEAN, STD)(batch.images[:, 0])))
        own = alone.train()(batch).loss
        theirs = nn.functional.cross_entropy(logits, batch.labels[:, 0].long())
    outcome.loss.backward()
    assert outcome.loss.item() == pytest.approx(float(own + 0.4 * theirs), rel=1e-5)
    assert head.weight.grad.abs().sum() > 0
    # Running it by itself has no heads, and no hook stays behind.
    passes = network.passes
    assert guided.eval()(batch).loss.item() == pytest.approx(float(own), rel=1e-5)
    assert network.passes == passes + 1 and not network.inner._forward_hooks
    assert not [name for name in network.state_dict() if 'head' in name]


@pytest.mark.parametrize('name, weights', [
    ('icnet/half', [0.16, 0.4]), ('fast_scnn/full', [0.4, 0.4]), ('pspnet/resnet101', [0.4]),
])  # fmt: skip
def test_networks_say_what_else_they_learn_from(name, weights):
    few = name.startswith('pspnet')
    network = PSPNet(11, layers=(1, 1, 1, 1)) if few else network_spec(name).build(11)
    heads = AuxiliaryHeads(network)
    with heads.listening(network), torch.no_grad():
        network(torch.zeros(2, 3, 64, 128))
    found = heads.logits()
    assert [weight for _, weight in found] == weights
    for logits, _ in found:
        assert logits.shape[:2] == (2, 11) and logits.shape[3] == 2 * logits.shape[2]


def test_frozen_networks_stay_as_they_are(recipe):
    parent = nn.BatchNorm2d(3)
    objective = FlowObjective(
        nn.BatchNorm2d(3), SegmentationLoss(recipe, np.ones(5) / 5),
        replace(recipe, crop=(128, 128)), parent, PLAIN,
    ).train()  # fmt: skip
    assert objective.training and objective.network.training and not parent.training
    assert not objective.eval().network.training


class Painter(nn.Module):
    """Segment the scenes of overfit.py by their colours: what a perfect parent does."""

    def __init__(self):
        super().__init__()
        colours = np.random.default_rng(99).integers(40, 216, (5, 3))
        self.colours = torch.tensor(colours / 255, dtype=torch.float32)

    def forward(self, image):
        image = nn.functional.avg_pool2d(image, 4)
        distance = (image[:, None] - self.colours[None, :, :, None, None]).square().sum(2)
        padding = torch.full((len(image), 6, *image.shape[-2:]), -1e3)
        return torch.cat([-100 * distance, padding], 1)

    def with_features(self, image):
        return self(image), nn.functional.avg_pool2d(image, 16)


def _clips(recipe, past, **options):
    (batch, *_) = ClipLoader(FrameStore(Scenes(side=128)), recipe, past, **options).epoch(0)
    return batch


def test_a_decision_network_is_given_regions_and_their_scores(recipe):
    recipe = replace(
        recipe, crop=(128, 128), batch_size=4, overlap=32, motion=0.4, max_distance=8)
    network = DecisionNetwork(5)
    objective = DecisionObjective(network, Painter(), PLAIN, recipe)
    still = _clips(replace(recipe, motion=0.0), Past.KEY_FRAME)
    given, scores = objective.examples(still)
    assert given.shape == (16, 5, 48, 48) and given[:, :3].amax() <= 1
    assert (scores > 0.98).all() and given[:, 3:].abs().amax() < 1
    given, moved = objective.examples(_clips(recipe, Past.KEY_FRAME))
    assert moved.min() < 0.95 and given[:, 3:].abs().amax() > 2
    outcome = objective(still)
    outcome.loss.backward()
    assert network.conv.weight.grad.abs().sum() > 0
    measures = objective.measures(outcome.counts.double())
    assert measures['mean_error'] >= 0 and outcome.counts[0] == 16
    perfect = torch.tensor([2.0, 0.0, 0.0, 1.5, 1.25])
    assert objective.measures(perfect) == {'r2': 1.0, 'mean_error': 0.0}


class Oracle(nn.Module):
    """A flow network that gives a constant flow and a scale of one."""

    def __init__(self, value):
        super().__init__()
        self.flow = nn.Parameter(torch.tensor(value).view(1, 2, 1, 1))

    def forward(self, current, key):
        shape = current.shape[0], 2, current.shape[-2] // 4, current.shape[-1] // 4
        flow = self.flow.expand(shape)
        none = current.new_zeros(1)
        return FlowOutput(flow, current.new_ones(shape[0], 11, *shape[-2:]), none, none, none)


def test_a_flow_network_learns_the_flow_that_is_known(recipe):
    recipe = replace(recipe, crop=(128, 128), batch_size=2)
    batch = _clips(recipe, Past.KEY_FRAME, with_flow=True)
    # A flow of (16, -8) pixels is one of (2, -1) cells.
    batch = batch._replace(flow=torch.tensor([16.0, -8.0]).view(1, 2, 1, 1).expand(2, 2, 128, 128))
    loss = SegmentationLoss(recipe, np.ones(11) / 11)
    right = FlowObjective(Oracle([2.0, -1.0]), loss, recipe)
    outcome = right(batch)
    measures = right.measures(outcome.counts.double())
    assert measures['epe'] < 0.1 and measures['epe_of_zero'] == pytest.approx(320**0.5, rel=1e-4)
    assert float(FlowObjective(Oracle([0.0, 0.0]), loss, recipe)(batch).loss) > 1
    with_parent = FlowObjective(Oracle([2.0, -1.0]), loss, recipe, Painter(), PLAIN)
    assert float(with_parent(batch).loss) > float(outcome.loss)
    with pytest.raises(ValueError, match='multiples of 128'):
        FlowObjective(Oracle([0.0, 0.0]), loss, replace(recipe, crop=(96, 128)))
    assert right.validation_size((360, 480)) == (256, 384)


class Copying(nn.Module):
    """A Refiner that paints the new image and ignores the features, or does nothing right."""

    def __init__(self, right):
        super().__init__()
        self.painter = Painter()
        self.sign = 1.0 if right else -1.0

    def forward(self, image, features):
        return self.sign * self.painter(image)


def test_a_refiner_is_judged_where_it_decides(recipe):
    recipe = replace(recipe, crop=(128, 128), batch_size=2, motion=0.5, max_distance=6,
                     occluders=2.0, class_weight='none')  # fmt: skip
    batch = _clips(recipe, Past.KEY_FRAME)
    found = {}
    for right in (True, False):
        for floor in (0.0, 1.0):
            chosen = replace(recipe, attention_floor=floor)
            loss = SegmentationLoss(chosen, np.ones(11) / 11)
            objective = RefinementObjective(
                Copying(right), Painter(), PLAIN, loss, chosen, 11).eval()
            outcome = objective(batch)
            found[right, floor] = float(outcome.loss), objective.measures(outcome.counts)
    assert found[True, 0.0][0] < found[False, 0.0][0]
    good, bad = found[True, 0.0][1], found[False, 0.0][1]
    # A Refiner that is wrong spoils what warping did, and warping is the same with both.
    assert good['miou'] > bad['miou'] < bad['warped_miou'] == good['warped_miou']
    with pytest.raises(ValueError, match='no features'):
        RefinementObjective(Copying(True), nn.Identity(), PLAIN, loss, recipe, 11)


def test_a_part_of_a_method_wants_its_parents(recipe):
    frequencies = np.ones(11) / 11
    for name in ('refiner/icnet_half', 'decision/flow'):
        spec = network_spec(name)
        with pytest.raises(TrainingError, match='--parent'):
            make_objective(spec, spec.build(11), recipe, frequencies, 'camvid', Sources())
