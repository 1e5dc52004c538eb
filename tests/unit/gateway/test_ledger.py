from pipeline.gateway import ledger


def test_counts_go_on_after_a_restart(tmp_path):
    assert ledger.read(tmp_path, 11) == (0, 0)
    first = ledger.Ledger(tmp_path, 11)
    first.add(3, 5)
    assert ledger.read(tmp_path, 11) == (3, 5)  # without closing: a kill loses nothing
    second = ledger.Ledger(tmp_path, 11)
    second.add(1, 1)
    assert ledger.read(tmp_path, 11) == (4, 6)
    first.close()
    second.close()
