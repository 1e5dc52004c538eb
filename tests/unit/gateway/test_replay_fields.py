from hypothesis import given
from hypothesis import strategies as st

from pipeline.gateway.replay import fields
from pipeline.gateway.replay.fields import DECIMAL, OPTIONAL, TEXT, WHOLE, Faults


def test_rows_of_several_texts_keep_their_text_and_line():
    faults = Faults()
    found = fields.table([("a", b"1,2.5\n\n3,4\n"), ("empty", b""), ("b", b"5,6")], (WHOLE, DECIMAL), faults)
    assert [column.tolist() for column in found.columns] == [[1.0, 3.0, 5.0], [2.5, 4.0, 6.0]]
    assert list(zip(found.source.tolist(), found.line.tolist(), strict=True)) == [(0, 1), (0, 3), (2, 1)]
    assert faults.count == 0


def test_each_bad_row_is_named_by_file_and_line_and_left_out():
    faults = Faults()
    text = b"1,2\nx,2\n3\n4,5,6\n7,\n-8,9\n10,1e3\n11,1.2.3\n12,-\n13,14\n"
    found = fields.table([("q.csv", text)], (WHOLE, DECIMAL), faults)
    assert found.columns[0].tolist() == [1.0, 13.0]
    assert faults.count == 8
    assert set(faults.named) == {
        "q.csv:2: expected a whole number as field 1",
        "q.csv:3: expected 2 fields, found 1",
        "q.csv:4: expected 2 fields, found 3",
        "q.csv:5: expected a number as field 2",
        "q.csv:6: expected a whole number as field 1",
        "q.csv:7: expected a number as field 2",
        "q.csv:8: expected a number as field 2",
        "q.csv:9: expected a number as field 2",
    }


def test_an_empty_field_is_unknown_only_where_it_may_be_empty():
    found = fields.table([("q", b",\n,7\n")], (OPTIONAL, OPTIONAL), Faults())
    assert [[value == value for value in column] for column in found.columns] == [[False, False], [False, True]]


def test_a_number_too_long_for_the_arithmetic_is_a_fault():
    faults = Faults()
    found = fields.table([("q", b"1234567890123456789,1\n123456789012345678,2\n")], (WHOLE, WHOLE), faults)
    assert found.columns[1].tolist() == [2.0]
    assert faults.count == 1


def test_only_the_first_faults_are_named_but_all_are_counted():
    faults = Faults()
    fields.table([("q", b"x\n" * 50_000)], (WHOLE,), faults)
    assert faults.count == 50_000
    assert len(faults.named) == fields.NAMED_FAULTS


def test_carriage_returns_and_a_missing_last_newline_change_nothing():
    found = fields.table([("q", b"1,A\r\n2,B")], (WHOLE, TEXT), Faults())
    assert found.columns[0].tolist() == [1.0, 2.0]


PRICE = st.decimals(min_value=-99_999, max_value=99_999, places=4)


@given(st.lists(st.tuples(st.integers(0, 10**12), st.one_of(st.none(), PRICE)), max_size=40))
def test_any_rows_come_back_as_python_reads_them(rows):
    lines = "".join(f"{whole},{'' if price is None else price}\n" for whole, price in rows)
    faults = Faults()
    found = fields.table([("q", lines.encode())], (WHOLE, OPTIONAL), faults)
    assert faults.count == 0
    assert found.columns[0].tolist() == [float(whole) for whole, _ in rows]
    for value, (_, price) in zip(found.columns[1].tolist(), rows, strict=True):
        assert value != value if price is None else value == float(price)


@given(st.binary(max_size=200))
def test_any_bytes_are_read_without_an_error(data):
    faults = Faults()
    found = fields.table([("q", data)], (WHOLE, DECIMAL, OPTIONAL), faults)
    filled = [line for line in data.replace(b"\r\n", b"\n").split(b"\n") if line]
    assert len(found) + faults.count == len(filled)
