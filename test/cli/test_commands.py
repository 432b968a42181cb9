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

import cv2
import numpy as np
import pytest

from vidseg_ros.checkpoints.store import read_metadata
from vidseg_ros.cli.main import VERBS, build_parser, main


def test_every_verb_says_what_it_does(capsys):
    with pytest.raises(SystemExit):
        main(['--help'])
    text = capsys.readouterr().out
    for verb in VERBS:
        assert verb in text
    for action in build_parser()._subparsers._group_actions:
        for parser in action.choices.values():
            assert parser.description.endswith('.'), parser.prog


def test_inspect_writes_the_keys_that_scripts_rely_on(tmp_path, capsys):
    assert main(['inspect', '--json', str(tmp_path / 'i.json')]) == 0
    entries = json.loads((tmp_path / 'i.json').read_text())
    for entry in entries:
        assert set(entry) == {
            'network', 'variant', 'parameters', 'gmacs', 'input', 'reference',
        }  # fmt: skip
    by_name = {f'{e["network"]}/{e["variant"]}': e for e in entries}
    assert by_name['fassvid/full']['input'] == [1024, 2048]
    assert by_name['fassvid/full']['reference']['gmacs'] == 8.2
    assert by_name['fassvid/full_hires']['reference'] is None
    text = capsys.readouterr().out
    assert 'full_hires' in text
    # Nothing is cut in a terminal of the usual width.
    assert '…' not in text and max(map(len, text.splitlines())) <= 80


@pytest.mark.parametrize('arguments, message', [
    (['inspect', '--network', 'vgg'], 'vgg'),
    (['train', 'vgg/big', '--dataset', 'camvid', '--root', '.', '--out', 'x'], 'not a network'),
    (['report', '/nowhere.json'], '/nowhere.json'),
    (['export', 'nowhere', '--out', 'x.onnx'], 'no such checkpoint'),
    (['train', 'fassvid/base', '--dataset', 'camvid', '--root', '/nowhere', '--out', 'x'],
     '/nowhere'),
    (['train', 'fassvid/base', '--dataset', 'camvid', '--root', '.', '--out', 'x', '--recipe',
      '/no.yaml'], '/no.yaml'),
])  # fmt: skip
def test_mistakes_are_one_line_and_exit_code_2(arguments, message, capsys):
    assert main(arguments) == 2
    error = capsys.readouterr().err
    assert message in error and 'Traceback' not in error
    assert error.splitlines()[-1].startswith(f'vidseg {arguments[0]}: error:')


def _camvid(root, frames=3, size=(64, 96)):
    rng = np.random.default_rng(0)
    for split in ('train', 'val'):
        (root / split).mkdir(parents=True)
        (root / f'{split}annot').mkdir()
        for i in range(frames):
            name = f'0016E5_{7960 + 2 * i:05}.png'
            labels = np.repeat(np.arange(12, dtype=np.uint8), size[1] // 12)[None]
            labels = np.repeat(labels, size[0], 0)
            image = rng.integers(0, 40, (*size, 3)) + labels[..., None] * 15
            cv2.imwrite(str(root / split / name), image.astype(np.uint8))
            cv2.imwrite(str(root / f'{split}annot' / name), labels)


def test_train_scores_and_describes_and_export_takes_the_result(tmp_path, capsys, monkeypatch):
    _camvid(tmp_path / 'camvid')
    recipe = tmp_path / 'recipe.yaml'
    recipe.write_text(
        'epochs: 1\nbatch_size: 2\ncrop: [64, 96]\nprecision: 32-true\nframe_distance: 2\n'
    )
    out = tmp_path / 'fassvid.safetensors'
    monkeypatch.setattr('sys.argv', [
        'vidseg', 'train', 'fassvid/full_hires', '--dataset', 'camvid',
        '--root', str(tmp_path / 'camvid'), '--recipe', str(recipe), '--out', str(out),
        '--score', 'val',
    ])  # fmt: skip
    assert main() == 0
    metadata = read_metadata(out)
    assert metadata.network == 'fassvid/full_hires' and metadata.data == 'camvid train'
    scores = metadata.metrics['scores']
    assert scores['data'] == 'camvid val' and scores['frames'] == 3 and 0 <= scores['miou'] <= 1
    assert metadata.metrics['command'].startswith('vidseg train fassvid/full_hires --dataset')
    card = out.with_suffix('.md').read_text()
    assert f'{scores["miou"]:.4f}' in card and 'for research' in card
    onnx = tmp_path / 'fassvid.onnx'
    assert main(['export', str(out), '--out', str(onnx), '--size', '64', '128']) == 0
    assert onnx.stat().st_size > 1e6
    assert '128x64' in capsys.readouterr().out
