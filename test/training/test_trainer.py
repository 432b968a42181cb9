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
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace

import pytest
import torch

from vidseg_ros.checkpoints.store import load_checkpoint, read_metadata
from vidseg_ros.networks.registry import network_spec
from vidseg_ros.training.assembly import Sources, TrainingError
from vidseg_ros.training.curve import TIMES, curve_path
from vidseg_ros.training.folds import held_out, is_share
from vidseg_ros.training.recipe import RecipeError
from vidseg_ros.training.trainer import Running, Trainer, averaging


def _nothing(progress):
    del progress


def _without_times(curve):
    return [{k: v for k, v in epoch.items() if k not in TIMES} for epoch in curve]


def _same_weights(a, b):
    for x, y in zip(a.state_dict().values(), b.state_dict().values(), strict=True):
        torch.testing.assert_close(x, y, rtol=0, atol=0)


def test_a_training_leaves_a_checkpoint_and_its_curve(tmp_path, recipe, stripes):
    out = tmp_path / 'o.safetensors'
    seen = []
    trainer = Trainer(
        network_spec('espnet/q3'), stripes(8), recipe, out, validation='1/4',
        running=Running(validate_every=2),
    )  # fmt: skip
    network = trainer.run(seen.append)
    loaded, metadata = load_checkpoint(out)
    assert metadata.data == 'stripes train' and metadata.recipe['epochs'] == 2
    assert metadata.metrics['validation']['data'] == '1/4 of stripes train'
    assert type(loaded) is type(network)
    assert [p.iteration for p in seen] == [1, 2, 3, 4, 5, 6] and seen[-1].ends_epoch
    assert 0 <= seen[-1].waiting <= 1 and seen[-1].measure == 'miou'
    curve = json.loads(curve_path(out).read_text())
    assert curve['network'] == 'espnet/q3' and curve['recipe']['seed'] == 5
    assert curve['epochs'] == trainer.curve
    first, second = curve['epochs']
    assert first['rate'] > second['rate'] > 0 and first['validation'] == {}
    assert 0 <= second['validation']['miou'] <= 1 and 0 <= second['training']['miou'] <= 1
    png = (tmp_path / 'o.curve.png').read_bytes()
    assert png.startswith(b'\x89PNG')


def test_held_out_parts_are_disjoint_and_together(recipe):
    parts = [held_out(10, f'{i}/3') for i in (1, 2, 3)]
    assert [i for _, held in parts for i in held] == list(range(10))
    for training, held in parts:
        assert sorted(training + held) == list(range(10))
    assert held_out(10, '0.2')[1] == [8, 9]
    for wrong in ('4/3', '0/3', '1.5', '1/1', '0.001', '1/2/3'):
        with pytest.raises(RecipeError):
            held_out(10, wrong)
    assert is_share('2/5') and is_share('0.2') and not is_share('val')


_RUN = """
import sys
sys.path[:0] = {path!r}
from pathlib import Path
from conftest import Stripes
import torch
torch.set_num_threads(1)
from vidseg_ros.networks.registry import network_spec
from vidseg_ros.training.recipe import Recipe
from vidseg_ros.training.trainer import Running, Trainer
recipe = Recipe(
    epochs=3, batch_size={batch}, accumulate=2, crop=(32, 48), precision='32-true', seed=5)
trainer = Trainer(
    network_spec({network!r}), Stripes(6 * {batch}, (32, 48)), recipe,
    Path(sys.argv[1]), validation='1/3', running=Running(checkpoint_every=2))
print('resumed', trainer.resume(), trainer._batch, flush=True)
trainer.run(lambda p: print(p.iteration, flush=True))
"""


# By backpropagation through time; with auxiliary heads and dropout.
@pytest.mark.parametrize('network, batch', [
    ('temporal_unet/vanilla_small_shallow_crnn', 2), ('fast_scnn/full', 4),
])  # fmt: skip
def test_a_training_killed_in_mid_epoch_goes_on_to_the_same_weights_and_curve(
    tmp_path, network, batch
):
    here = os.path.dirname(__file__)
    script = _RUN.format(path=[os.getcwd(), here], network=network, batch=batch)

    def start(out):
        return subprocess.Popen(
            [sys.executable, '-c', script, str(out)], stdout=subprocess.PIPE, text=True)

    whole, killed = tmp_path / 'whole.safetensors', tmp_path / 'killed.safetensors'
    process = start(whole)
    assert process.communicate(timeout=240)[0].split() == [
        'resumed', '0', '0', *map(str, range(1, 13))]
    process = start(killed)
    for line in process.stdout:
        if line.strip() == '7':  # the third of the second epoch's four
            process.send_signal(signal.SIGKILL)
            break
    assert process.wait(60) == -signal.SIGKILL and not killed.exists()
    process.stdout.close()
    process = start(killed)
    printed = process.communicate(timeout=240)[0].split()
    # It stopped after the seventh or a little later; the state is of every second.
    assert printed[:2] == ['resumed', '1'] and printed[2] in ('2', '0')
    _same_weights(load_checkpoint(killed)[0], load_checkpoint(whole)[0])
    said = [read_metadata(path) for path in (killed, whole)]
    # The time may be too short to tell, but it is not another training's.
    assert all(metadata.metrics.pop('hours') >= 0 for metadata in said) and said[0] == said[1]
    curves = [json.loads(curve_path(path).read_text()) for path in (whole, killed)]
    for curve in curves:
        curve['epochs'] = _without_times(curve['epochs'])
    assert curves[0] == curves[1]


def test_a_stopped_run_goes_on_after_the_last_epoch(tmp_path, recipe, stripes):
    spec, data = network_spec('fassvid/full_hires'), stripes()
    recipe = replace(recipe, epochs=2, stream_start=0.3)
    one = Trainer(spec, data, recipe, tmp_path / 'whole.safetensors')
    whole = one.run(_nothing)

    out = tmp_path / 'stopped.safetensors'
    with pytest.raises(KeyboardInterrupt):
        Trainer(spec, data, recipe, out).run(_interrupt_at(3))
    again = Trainer(spec, data, recipe, out)
    assert again.resume() == 1
    _same_weights(whole, again.run(_nothing))
    assert _without_times(again.curve) == _without_times(one.curve)


def test_a_state_of_before_a_recipe_had_all_its_keys_goes_on(tmp_path, recipe, stripes):
    out = tmp_path / 'a.safetensors'
    spec = network_spec('espnet/q3')
    Trainer(spec, stripes(), recipe, out).run(_nothing)
    state = tmp_path / 'a.safetensors.resume'
    saved = torch.load(state, weights_only=True)
    for key in ('accumulate', 'auxiliary', 'passes', 'fixed_clips'):
        del saved['identity']['recipe'][key]
    for key in ('companions', 'seconds'):
        del saved[key]
    torch.save(saved, state)
    assert Trainer(spec, stripes(), recipe, out).resume() == 2
    with pytest.raises(TrainingError, match='another training'):
        Trainer(spec, stripes(), replace(recipe, accumulate=2), out).resume()


def test_a_state_of_another_training_is_refused(tmp_path, recipe, stripes):
    out = tmp_path / 'a.safetensors'
    spec = network_spec('espnet/q3')
    Trainer(spec, stripes(), recipe, out).run(_nothing)
    with pytest.raises(TrainingError, match='another training'):
        Trainer(spec, stripes(), replace(recipe, seed=6), out).resume()
    with pytest.raises(TrainingError, match='another training'):
        Trainer(spec, stripes(), recipe, out, validation='1/2').resume()


def test_a_gradient_that_overflows_is_passed_over(tmp_path, recipe, stripes):
    trainer = Trainer(network_spec('espnet/q3'), stripes(), recipe, tmp_path / 'a.safetensors')
    weight = next(trainer._objective.network.parameters())
    calls = []

    def overflow(gradient):
        calls.append(1)
        return gradient * float('inf') if len(calls) == 2 else gradient

    weight.register_hook(overflow)
    network = trainer.run(_nothing)
    assert len(calls) == 4
    assert [epoch['overflows'] for epoch in trainer.curve] == [1, 0]
    assert all(torch.isfinite(p).all() for p in network.parameters())
    assert all(epoch['loss'] > 0 for epoch in trainer.curve)


def test_gradients_that_overflow_again_and_again_end_the_training(tmp_path, recipe, stripes):
    recipe = replace(recipe, learning_rate=1e30, optimizer='sgd', epochs=3)
    trainer = Trainer(network_spec('espnet/q3'), stripes(), recipe, tmp_path / 'a.safetensors')
    with pytest.raises(TrainingError, match='lower the learning rate'):
        trainer.run(_nothing)
    assert not (tmp_path / 'a.safetensors').exists()


def test_the_backbone_has_its_own_rate(tmp_path, recipe, stripes):
    lernet = tmp_path / 'lernet.safetensors'
    data = stripes()
    Trainer(network_spec('lernet/base'), data, replace(recipe, epochs=1), lernet).run(_nothing)
    start = load_checkpoint(lernet)[0].state_dict()
    frozen = replace(recipe, epochs=1, backbone_rate=0.0, ema=0.0)
    trainer = Trainer(
        network_spec('lernet_tha/base'), data, frozen, tmp_path / 'tha.safetensors',
        Sources(start_from=lernet),
    )  # fmt: skip
    network = trainer.run(_nothing)
    parameters = dict(network.backbone.named_parameters())
    for name, value in parameters.items():
        torch.testing.assert_close(value, start[name], rtol=0, atol=0)
    moved = (network.decoder.weight - start['decoder.weight']).abs()
    # The other classifier began as the backbone's and has learned since.
    assert 0 < moved.max() < 0.05
    with pytest.raises(TrainingError, match='no backbone'):
        Trainer(network_spec('espnet/q3'), data, frozen, tmp_path / 'e.safetensors')
    with pytest.raises(TrainingError, match='none of its tensors'):
        Trainer(network_spec('enet/full'), data, recipe, tmp_path / 'e.safetensors',
                Sources(start_from=lernet))  # fmt: skip


def test_a_batch_in_parts_takes_the_step_of_the_whole(tmp_path, recipe, stripes):
    # A network without batch statistics, so that nothing else depends on the parts.
    recipe = replace(recipe, epochs=1, batch_size=4, optimizer='sgd', learning_rate=0.1,
                     class_weight='none', ema=0.0)  # fmt: skip
    networks = []
    for parts in (1, 4):
        spec = replace(network_spec('espnet/q3'), build=_plain)
        out = tmp_path / f'{parts}.safetensors'
        trainer = Trainer(spec, stripes(4), replace(recipe, accumulate=parts), out)
        networks.append(trainer.run(_nothing))
        assert len(trainer.curve) == 1 and trainer.curve[0]['loss'] > 0
    for whole, part in zip(*(n.parameters() for n in networks), strict=True):
        assert whole.abs().sum() > 0
        torch.testing.assert_close(whole, part, rtol=1e-4, atol=1e-6)
    with pytest.raises(ValueError, match='in 3 parts'):
        Trainer(network_spec('espnet/q3'), stripes(), replace(recipe, accumulate=3),
                tmp_path / 'x.safetensors')  # fmt: skip


def _plain(num_classes):
    return torch.nn.Sequential(torch.nn.Conv2d(3, num_classes, 3, 2, 1))


def test_the_average_forgets_the_first_weights_at_once():
    update = averaging(0.99)
    averaged, far = [torch.tensor([100.0])], [torch.tensor([1.0])]
    for number in range(1, 40):
        update(averaged, far, torch.tensor(number))
    # A fixed decay would have left 0.99^39 = 68 % of the start; (1 + n) / (10 + n) 1 in a million.
    assert float(averaged[0]) == pytest.approx(1.0, abs=1e-3)
    late = [torch.tensor([0.0])]
    update(late, [torch.tensor([1.0])], torch.tensor(5000))
    assert float(late[0]) == pytest.approx(0.01)
    latest = [torch.tensor([3.0])]
    averaging(0.0)(latest, far, torch.tensor(9))
    assert float(latest[0]) == 1.0


def test_a_checkpoint_says_where_and_how_long_it_was_trained(tmp_path, recipe, stripes):
    out = tmp_path / 'a.safetensors'
    trainer = Trainer(network_spec('espnet/q3'), stripes(), replace(recipe, epochs=3), out)
    with pytest.raises(KeyboardInterrupt):
        trainer.run(_interrupt_at(5))
    (until,) = trainer.curve[-1:]
    trainer = Trainer(network_spec('espnet/q3'), stripes(), replace(recipe, epochs=3), out)
    trainer.resume()
    trainer.run(_nothing)
    hours = [epoch['hours'] for epoch in trainer.curve]
    # The time goes on where it was.
    assert hours[1] == until['hours'] and 0 < hours[0] < hours[1] < hours[2] < 0.1
    metrics = read_metadata(out).metrics
    assert metrics['hours'] == pytest.approx(hours[2], abs=1e-3)
    assert metrics['machine']['processor'] and 'CPU threads' in metrics['machine']['used']


def _interrupt_at(iteration):
    def report(progress):
        if progress.iteration == iteration:
            raise KeyboardInterrupt

    return report


def test_a_constant_rate_stays(tmp_path, recipe, stripes):
    recipe = replace(recipe, schedule='constant', warmup=0.0, optimizer='adam', epochs=2,
                     clip_gradient=0.5)  # fmt: skip
    trainer = Trainer(network_spec('espnet/q3'), stripes(), recipe, tmp_path / 'e.safetensors')
    trainer.run(_nothing)
    assert [epoch['rate'] for epoch in trainer.curve] == [recipe.learning_rate] * 2


def test_loading_is_never_the_limit(tmp_path, recipe, stripes):
    waiting = []
    recipe = replace(recipe, epochs=2, batch_size=2, scale=(0.6, 1.8), colour=0.3)
    trainer = Trainer(
        network_spec('lernet/base'), stripes(8), recipe, tmp_path / 'l.safetensors')
    begun = time.perf_counter()
    trainer.run(lambda p: waiting.append(p.waiting))
    assert time.perf_counter() - begun < 60
    # The first batch of an epoch is waited for; of four small ones that is the most.
    assert waiting[-1] < 0.3
