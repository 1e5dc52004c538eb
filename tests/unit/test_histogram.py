from __future__ import annotations

import math

import numpy as np
import pytest

from pipeline import histogram
from pipeline.histogram import Histogram


def test_counts_survive_the_process_that_counted(tmp_path):
    first = Histogram.open(tmp_path / "deep" / "latency.bin")
    first.add(2_000_000)
    first.add_many(np.array([1_000, 3_000_000, 120_000_000_000]))
    again = histogram.read(tmp_path / "deep" / "latency.bin")
    assert again.sum() == 4
    second = Histogram.open(tmp_path / "deep" / "latency.bin")
    second.add(5.0)
    assert second.counts().sum() == 5
    assert first.counts().sum() == 5
    first.close()
    second.close()


@pytest.mark.parametrize("latency_ns", [-5.0, 0.0, 999.0, 1e3, 1.0001e3, 5e6, 59.9e9, 60e9, 1e18, math.nan])
def test_a_duration_lies_under_the_edge_of_its_bucket(latency_ns):
    where = histogram.bucket(latency_ns)
    if latency_ns <= histogram.HIGH_NS:
        assert latency_ns <= histogram.EDGES_NS[where] * (1 + 1e-9)
    if where > 0 and latency_ns <= histogram.HIGH_NS:
        assert latency_ns > histogram.EDGES_NS[where - 1]


def test_one_by_one_and_in_a_batch_count_the_same(tmp_path):
    values = np.concatenate([np.random.default_rng(1).lognormal(14, 3, 2_000), histogram.EDGES_NS, [-1.0, 1e12]])
    one, many = Histogram.open(tmp_path / "one"), Histogram.open(tmp_path / "many")
    for value in values:
        one.add(float(value))
    many.add_many(values)
    assert np.array_equal(one.counts(), many.counts())
    one.close()
    many.close()


def test_quantiles_are_within_a_bucket_of_the_exact_ones(tmp_path):
    values = np.random.default_rng(2).lognormal(14, 1, 10_000)
    held = Histogram.open(tmp_path / "latency.bin")
    held.add_many(values)
    for share in (0.5, 0.9, 0.99):
        exact = float(np.quantile(values, share, method="inverted_cdf"))
        assert exact <= histogram.quantile_ns(held.counts(), share) <= exact * histogram.RATIO * (1 + 1e-9)
    held.close()


def test_nothing_counted_is_unknown(tmp_path):
    assert math.isnan(histogram.quantile_ns(histogram.read(tmp_path / "none"), 0.5))


def test_a_foreign_file_is_begun_anew(tmp_path):
    (tmp_path / "latency.bin").write_bytes(b"something else")
    assert histogram.read(tmp_path / "latency.bin").sum() == 0
    held = Histogram.open(tmp_path / "latency.bin")
    held.add(1e6)
    held.close()
    assert histogram.read(tmp_path / "latency.bin").sum() == 1
