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
"""Latency and rates as statistics_msgs/MetricsMessage."""

from __future__ import annotations

from builtin_interfaces.msg import Time
from statistics_msgs.msg import MetricsMessage, StatisticDataPoint, StatisticDataType

from vidseg_ros.pipeline.accounts import CameraStatistics, LatencySummary

PERCENTILES = {50: 'p50', 95: 'p95', 99: 'p99'}
"""
``data_type`` of a percentile is its number.

StatisticDataType only has constants up to STATISTICS_DATA_TYPE_SAMPLE_COUNT = 5.
"""


def _points(summary: LatencySummary) -> list[StatisticDataPoint]:
    values = {
        StatisticDataType.STATISTICS_DATA_TYPE_AVERAGE: summary.mean,
        StatisticDataType.STATISTICS_DATA_TYPE_MINIMUM: summary.minimum,
        StatisticDataType.STATISTICS_DATA_TYPE_MAXIMUM: summary.maximum,
        StatisticDataType.STATISTICS_DATA_TYPE_STDDEV: summary.deviation,
        StatisticDataType.STATISTICS_DATA_TYPE_SAMPLE_COUNT: float(summary.count),
        **{number: getattr(summary, name) for number, name in PERCENTILES.items()},
    }
    return [StatisticDataPoint(data_type=kind, data=value) for kind, value in values.items()]


def metrics(statistics: CameraStatistics, source: str, start: Time,
            stop: Time) -> list[MetricsMessage]:
    """
    Return one message per stage of a camera.

    ``source`` is the node's full name; ``measurement_source_name`` becomes
    '<source>/<camera>' and ``metrics_source`` '<stage>_latency', in ms.
    """
    return [MetricsMessage(
        measurement_source_name=f'{source}/{statistics.camera}',
        metrics_source=f'{stage}_latency', unit='ms', window_start=start, window_stop=stop,
        statistics=_points(summary)) for stage, summary in statistics.latency.items()]
