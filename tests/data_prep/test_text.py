import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from data_prep.text import fold, printable, words


def test_case_marks_and_spacing_do_not_tell_texts_apart():
    assert fold("It's  FINE -- really!!") == fold("it s fine, really") == "it s fine really"


def test_marks_alone_stay_apart():
    assert fold("?!") != fold("...")
    assert fold("…") == "..."


def test_letters_of_every_script_and_their_marks_stay():
    assert fold("Ça va, «Élodie»?") == "ça va élodie"
    assert fold("नमस्ते!") == "नमस्ते"
    assert fold("ﬁne") == "fine"
    assert fold("Straße") == fold("STRASSE")


@given(st.text())
def test_fold_follows_its_definition(text):
    plain = unicodedata.normalize("NFKC", text).casefold()
    spelt = "".join(c if unicodedata.category(c)[0] in "LMN" else " " for c in plain)
    assert fold(text) == ((" ".join(spelt.split(" ")).strip() and " ".join(p for p in spelt.split(" ") if p)) or plain)


@given(st.text(alphabet=st.characters(max_codepoint=127)))
def test_the_quick_way_for_ascii_is_the_same(text):
    spelt = "".join(c if c.isalnum() else " " for c in text.lower())
    assert fold(text) == (" ".join(spelt.split()) or text.lower())


@given(st.text())
def test_words_leave_out_nothing_but_space(text):
    assert "".join(words(text)) == "".join(c for c in text if not c.isspace() or c.isalnum())


@given(st.text())
def test_printable_holds_no_control(text):
    assert not any(unicodedata.category(c) == "Cc" for c in printable(text))
