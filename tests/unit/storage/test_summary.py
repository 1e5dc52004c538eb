from __future__ import annotations

import numpy as np

from storage import summary


def test_neighbouring_frames_become_one_range():
    ranges: summary.Ranges = []
    for first, after in [(5, 9), (9, 10), (12, 20)]:
        summary.extend(ranges, first, after)
    assert ranges == [(5, 10), (12, 20)]
    assert summary.seqs(ranges).tolist() == [5, 6, 7, 8, 9, *range(12, 20)]
    assert summary.seqs([]).tolist() == []


def test_an_epoch_keeps_its_bits():
    for epoch in (1, (1 << 63) - 1, 1 << 63, (1 << 64) - 1):
        held = summary.signed(epoch)
        assert -(1 << 63) <= held < 1 << 63
        assert np.uint64(held & ((1 << 64) - 1)) == np.uint64(epoch)
