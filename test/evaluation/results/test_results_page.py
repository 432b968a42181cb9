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
import re

import pytest

from vidseg_ros.cli.main import main
from vidseg_ros.evaluation.results.figures import draw_figures
from vidseg_ros.evaluation.results.page import ResultsError, render, write_page
from vidseg_ros.evaluation.results.papers import paper_tables
from vidseg_ros.evaluation.results.plan import result_rows


def row(name, miou, **others):
    return {'name': name, 'method': 'm', 'checkpoint': 'c', 'baseline': 'fassvid base',
            'knobs': {}, 'miou': miou, 'pixel_accuracy': 0.9, 'mean_accuracy': 0.7,
            'temporal_consistency': 0.97, 'mean_accuracy_eq14': 0.98, 'miou_eq15': miou,
            'per_class_iou': {'sky': 0.9, 'car': None}, 'parameters': 2_000_000, 'gmacs': 2.5,
            'network': 'fassvid/base_hires', 'training': 'vidseg train ...', **others}


@pytest.fixture
def results():
    return {
        'dataset': 'camvid', 'split': 'val', 'frames': 51, 'size': [360, 480],
        'classes': ['sky', 'car'], 'machine': {'processor': 'P', 'cores': '2'},
        'versions': {'python': '3.11'},
        'rows': [row('fassvid base', 0.6), row('fassvid', 0.6234, speed=0.8, checkpoint='d'),
                 {'name': 'lernet', 'method': 'per_frame', 'checkpoint': 'l',
                  'baseline': 'lernet', 'knobs': {}, 'missing': ['l']}],
        'sweeps': {
            'evs': {'warped': [{'distance': 0, 'miou': 0.6}, {'distance': 1, 'miou': 0.59}]},
            'dvsnet': {'flow_magnitude': [
                {'threshold': 2.0, 'miou': 0.6, 'segmented': 0.5}]},
            'lernet_tha': [{'k': 1, 'miou': 0.6}, {'k': 5, 'miou': 0.5}]},
    }


def lines_with(text, beginning):
    return [line for line in text.splitlines() if line.startswith(beginning)]


def test_the_page_shows_what_was_measured(results, tmp_path):
    written = write_page(results, tmp_path / 'results.md')
    text = written[0].read_text()
    first = lines_with(text, '| fassvid |')[0]
    assert '62.34' in first and 'x0.80' in first and '2.00 M' in first
    assert 'no weights yet' in lines_with(text, '| lernet |')[0]
    for path in written[1:]:
        assert f'(results/{path.name})' in text
        assert path.read_text().startswith('<svg')
    assert {path.name for path in written[1:]} == {
        'accuracy_speed.svg', 'evs_distance.svg', 'dvsnet_threshold.svg', 'lernet_tha_k.svg'}


def test_ablations_are_in_the_table_and_not_over_the_plot(results):
    results['rows'].append(row('fassvid + TAM', 0.61, speed=0.9))
    assert lines_with(render(results, {'accuracy_speed.svg': 'a.svg'}), '| fassvid + TAM |')
    drawn = draw_figures(results)['accuracy_speed.svg']
    assert 'fassvid base' in drawn and 'TAM' not in drawn


def test_gains_stand_beside_the_papers(results):
    text = render(results, {'accuracy_speed.svg': 'a.svg'})
    line = lines_with(text, '| + FDChangeNet + TAM |')[0]
    cells = [cell.strip() for cell in line.strip('|').split('|')]
    assert cells[1:] == ['71.00', '+2.40', 'x0.82', '62.34', '+2.34', 'x0.80']


def test_every_table_is_rectangular(results):
    text = render(results, {'accuracy_speed.svg': 'a.svg'})
    for block in re.findall(r'(?:^\|.*\n)+', text, flags=re.MULTILINE):
        assert len({line.count('|') for line in block.splitlines()}) == 1, block


def test_the_same_figures_give_the_same_page(results, tmp_path):
    files = [[path.read_bytes() for path in write_page(results, tmp_path / folder / 'r.md')]
             for folder in ('a', 'b')]
    assert files[0] == files[1]


def test_other_json_is_refused(tmp_path, capsys):
    with pytest.raises(ResultsError):
        write_page({'rows': []}, tmp_path / 'r.md')
    (tmp_path / 'x.json').write_text(json.dumps({'rows': [{}]}))
    code = main(['results', 'page', '--json', str(tmp_path / 'x.json'), '--out',
                 str(tmp_path / 'r.md')])
    assert code == 2
    assert 'no results' in capsys.readouterr().err


def test_the_papers_rows_name_rows_of_ours():
    names = {r.name for r in result_rows()}
    for table in paper_tables().values():
        assert {r.ours for r in table.rows if r.ours} <= names
        assert table.rows[0].ours
        assert table.speed(table.rows[0]) in (1.0, None)


def test_every_baseline_is_a_row():
    rows = result_rows()
    names = [r.name for r in rows]
    assert len(names) == len(set(names))
    assert {r.baseline for r in rows} <= set(names)
