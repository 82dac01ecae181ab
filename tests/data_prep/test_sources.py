import gzip
import json
import zipfile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data_prep import sources
from data_prep.errors import PrepareError
from data_prep.sources.files import Notes
from data_prep.sources.options import Columns, SourceConfig

LINES = """L1 +++$+++ u0 +++$+++ m0 +++$+++ ANN +++$+++ Caf\x85 or bar?
L2 +++$+++ u1 +++$+++ m0 +++$+++ BO +++$+++ Bar.
L3 +++$+++ u0 +++$+++ m0 +++$+++ ANN +++$+++
"""
CONVERSATIONS = """u0 +++$+++ u1 +++$+++ m0 +++$+++ ['L1', 'L2']
u0 +++$+++ u1 +++$+++ m0 +++$+++ ['L2', 'L9']
u0 +++$+++ u1 +++$+++ m0 +++$+++ ['L2', 'L3']
"""


def read(path, wanted="auto"):
    notes = Notes()
    dialogues = [d for reading in sources.plan([str(path)], wanted, notes) for d in reading.dialogues()]
    return dialogues, notes


def write(path, text, encoding="utf-8"):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode(encoding))
    return path


def spoken(dialogue):
    return [(turn.speaker, turn.text) for turn in dialogue.turns]


def test_a_transcript_has_names_and_blank_lines_between_dialogues(tmp_path):
    file = write(tmp_path / "talk.md", "Ann: Hi: there\nBo Lee:Hello\n\nAnn: Tea?\nand cake?\nBo Lee: Yes\n")
    dialogues, _ = read(file)
    assert [spoken(d) for d in dialogues] == [
        [("Ann", "Hi: there"), ("Bo Lee", "Hello")],
        [("Ann", "Tea?\nand cake?"), ("Bo Lee", "Yes")],
    ]
    assert len({d.id for d in dialogues}) == 2


def test_in_a_short_file_too_a_line_may_go_on_with_the_turn_above(tmp_path):
    file = write(tmp_path / "talk.txt", "Ann: Hi there\nBo: a long reply\nthat goes on\nAnn: ok\n")
    for wanted in ("auto", "transcript"):
        assert spoken(read(file, wanted)[0][0])[1] == ("Bo", "a long reply\nthat goes on")


def test_a_blank_line_after_every_turn_parts_nothing(tmp_path):
    dialogues, _ = read(write(tmp_path / "talk.txt", "Ann: Hi\n\nBo: Hello\n\nAnn: Tea?\n"))
    assert [len(d.turns) for d in dialogues] == [3]


def test_bare_lines_alternate_and_only_on_demand(tmp_path):
    file = write(tmp_path / "bare.txt", "Hi\nHello\nTea?\n\nBye\nSee you\n")
    with pytest.raises(PrepareError, match="--format transcript"):
        read(file)
    dialogues, _ = read(file, "transcript")
    assert [[s for s, _ in spoken(d)] for d in dialogues] == [["A", "B", "A"], ["A", "B"]]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32", "cp1252"])
def test_encodings_are_found_out(tmp_path, encoding):
    file = write(tmp_path / "talk.txt", "Zoë: Café – “now”?\nBo: Olé!\n" * 3, encoding)
    assert spoken(read(file)[0][0])[:2] == [("Zoë", "Café – “now”?"), ("Bo", "Olé!")]


@pytest.mark.parametrize(
    "line",
    [
        {"turns": ["Hi", "Hello"]},
        {"turns": [{"speaker": "A", "text": "Hi"}, {"speaker": "B", "text": "Hello"}]},
        {
            "messages": [
                {"role": "system", "content": "Be kind."},
                {"role": "A", "content": "Hi"},
                {"role": "B", "content": "Hello"},
            ]
        },
        {
            "messages": [
                {"role": "A", "content": [{"type": "text", "text": "Hi"}]},
                {"role": "B", "content": "Hello"},
            ]
        },
        {"id": 7, "conversations": [{"from": "A", "value": "Hi"}, {"from": "B", "value": "Hello"}]},
    ],
)
@pytest.mark.parametrize("array", [False, True])
def test_json_dialogues_of_each_shape(tmp_path, line, array):
    text = json.dumps([line, line], indent=1) if array else f"{json.dumps(line)}\n\n{json.dumps(line)}\n"
    dialogues, _ = read(write(tmp_path / "any.name", text))
    assert [spoken(d) for d in dialogues] == [[("A", "Hi"), ("B", "Hello")]] * 2


def test_what_is_left_out_of_json_is_counted(tmp_path):
    line = {
        "messages": [
            {"role": "system", "content": "x"},
            {"role": "tool", "content": "y"},
            {"role": "user", "content": None},
        ]
    }
    dialogues, notes = read(write(tmp_path / "a.jsonl", json.dumps(line)))
    assert spoken(dialogues[0]) == [("user", "")]
    assert notes.counts.total() == 2


@pytest.mark.parametrize(
    "broken", ['{"turns": ["Hi", ', "[" * 100_000, '{"turns": 3}', '{"turns": [3]}', '{"lines": []}', "7"]
)
def test_a_bad_line_is_named(tmp_path, broken):
    file = write(tmp_path / "a.jsonl", '{"turns": ["Hi", "Hello"]}\n' * 6 + broken + "\n")
    with pytest.raises(PrepareError, match=r"a\.jsonl, line 7: "):
        read(file)


def test_cornell_tables_are_joined_and_absent_lines_counted(tmp_path):
    write(tmp_path / "lines.txt", LINES, "latin-1")
    write(tmp_path / "talk.txt", CONVERSATIONS)
    write(tmp_path / "about.txt", "A corpus of films.\nCite us.\n")
    dialogues, notes = read(tmp_path)
    assert [spoken(d) for d in dialogues] == [
        [("u0", "Caf… or bar?"), ("u1", "Bar.")],
        [("u1", "Bar."), ("u0", "")],
    ]
    assert list(notes.counts.values()) == [1]
    assert notes.passed_over == {"about.txt": "no format recognised"}


def test_a_second_table_of_lines_is_named_and_the_larger_read(tmp_path):
    write(tmp_path / "damaged.txt", LINES.splitlines()[0])
    write(tmp_path / "lines.txt", LINES, "latin-1")
    write(tmp_path / "talk.txt", CONVERSATIONS)
    dialogues, notes = read(tmp_path)
    assert len(dialogues) == 2
    assert notes.passed_over == {"damaged.txt": "a second table of lines"}


def test_half_of_cornell_is_not_enough(tmp_path):
    with pytest.raises(PrepareError, match=r"without movie_conversations\.txt"):
        read(write(tmp_path / "lines.txt", LINES, "latin-1"))


def test_a_folder_may_mix_formats_and_what_is_no_talk_is_named(tmp_path):
    write(tmp_path / "a/talk.txt", "Ann: Hi\nBo: Hello\n")
    write(tmp_path / "b/talk.jsonl", '{"turns": ["Hi", "Hello"]}')
    write(tmp_path / "notes.txt", "Some prose.\nMore of it.\n")
    write(tmp_path / "settings.yaml", "name: x\nsize: 3\ncolour: red\nshape: round\n")
    (tmp_path / "cat.png").write_bytes(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR")
    (tmp_path / "nothing.txt").touch()
    (tmp_path / ".hidden").write_text("Ann: Hi\nBo: Hello\n", encoding="utf-8")
    dialogues, notes = read(tmp_path)
    assert [d.id for d in dialogues] == ["a/talk.txt:0", "b/talk.jsonl:1"]
    assert notes.passed_over == {
        "cat.png": "not text",
        "notes.txt": "no format recognised",
        "nothing.txt": "empty",
        "settings.yaml": "no format recognised",
    }


def test_the_same_name_twice_gives_different_dialogues(tmp_path):
    paths = [write(tmp_path / folder / "talk.txt", "Ann: Hi\nBo: Hello\n") for folder in "ab"]
    readings = sources.plan([str(p) for p in paths], "auto", Notes())
    assert len({d.id for reading in readings for d in reading.dialogues()}) == 2


@settings(max_examples=150, deadline=None)
@given(
    st.binary(max_size=300) | st.text(max_size=200).map(lambda t: t.encode("utf-8", "surrogatepass")),
    st.sampled_from(sources.FORMATS),
)
def test_arbitrary_bytes_raise_nothing_but_our_own_error(tmp_path_factory, data, wanted):
    file = tmp_path_factory.mktemp("any") / "file"
    file.write_bytes(data)
    try:
        dialogues, _ = read(file, wanted)
    except PrepareError as error:
        dialogues, told = [], str(error)
    else:
        told = "read"
    assert told
    assert "\n" not in told
    assert all(isinstance(turn.text, str) for d in dialogues for turn in d.turns)


TABLE = "bodyx,grade,who\nHello there,1,ann\nHi you two,2,bo\nWhat is new?,3,ann\n"


def test_of_a_table_that_is_not_understood_the_columns_are_named(tmp_path):
    file = write(tmp_path / "t.csv", TABLE)
    with pytest.raises(PrepareError, match=r"columns \(bodyx, grade, who\).*--source\.columns\.text") as error:
        read(file)
    assert "--format transcript" not in str(error.value)
    misspelt = SourceConfig(columns=Columns(text="bodyy", speaker="who"))
    with pytest.raises(PrepareError, match=r"without the column 'bodyy' of --source\.columns\.text; .* bodyx, grade"):
        sources.plan([str(file)], "auto", Notes(), config=misspelt)


def test_a_packed_file_is_read_in_place_and_a_broken_one_is_named(tmp_path):
    packed = gzip.compress(b"Ann: Hi\nBo: Hello\n")
    (tmp_path / "talk.txt.gz").write_bytes(packed)
    dialogues, _ = read(tmp_path)
    assert [(d.id, spoken(d)) for d in dialogues] == [("talk.txt:0", [("Ann", "Hi"), ("Bo", "Hello")])]
    (tmp_path / "talk.txt.gz").write_bytes(packed[:-9])
    with pytest.raises(PrepareError, match=r"talk\.txt\.gz: cannot be read"):
        read(tmp_path)


def test_what_cannot_be_read_is_passed_over_with_a_hint(tmp_path):
    write(tmp_path / "talk.txt", "Ann: Hi\nBo: Hello\n")
    with zipfile.ZipFile(tmp_path / "chat.xlsx", "w") as book:
        book.writestr("[Content_Types].xml", "<x/>")
        book.writestr("xl/workbook.xml", "<x/>")
    web = '<!DOCTYPE html>\n<html><body class="tgico"><div class="message default clearfix">Hi</div></body></html>\n'
    write(tmp_path / "messages.html", web)
    (tmp_path / "all.7z").write_bytes(b"7z\xbc\xaf\x27\x1c\0\0")
    assert read(tmp_path)[1].passed_over == {
        "all.7z": "an archive: unpack it",
        "chat.xlsx": "a spreadsheet: save it as CSV",
        "messages.html": "a web page: export the chat as JSON",
    }
