from hypothesis import given
from hypothesis import strategies as st

from data_prep.tally import EXAMPLES, Tally

acts = st.lists(st.tuples(st.sampled_from("xy"), st.integers(0, 50), st.text(max_size=3)), max_size=30)


def books(entries):
    tally = Tally(("x", "y"))
    for name, place, text in entries:
        tally[name].seen += 1
        tally[name].add(place, text, text + "!")
    return tally


@given(acts, acts)
def test_parts_merged_equal_the_whole_in_either_order(left, right):
    whole = books(left + right)
    for first, second in ((left, right), (right, left)):
        merged = books(first)
        merged.merge(books(second))
        assert merged.counts == whole.counts


@given(acts)
def test_books_survive_the_journey_as_text(entries):
    assert Tally.from_json(books(entries).to_json()).counts == books(entries).counts


def test_the_earliest_examples_are_kept():
    tally = books([("x", place, str(place)) for place in (9, 3, 7, 1, 5)])
    assert [place for place, _, _ in tally["x"].examples] == [1, 3, 5]
    assert len(tally["x"].examples) == EXAMPLES
    assert tally["x"].acted == 5
