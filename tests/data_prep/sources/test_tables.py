import csv
import io
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data_prep.errors import PrepareError
from data_prep.sources.columns import guess
from data_prep.sources.files import File, Notes
from data_prep.sources.moments import Moments
from data_prep.sources.options import Columns, SourceConfig
from data_prep.sources.tables import FORMAT, TSV, has_columns

SHARED = Path(__file__).resolve().parents[3].parent / "shared" / "data"

GROUPED = (
    'dialogue_id,speaker,text\n1,Ann,Hi there\n1,Bo,"Hello, you"\n2,Ann,"Tea?\nOr cake?"\n'
    '1,Ann,"He said ""bye"""\n2,Bo,Yes\n'
)


def opened(text, encoding="utf-8"):
    data = text if isinstance(text, bytes) else text.encode(encoding)
    return File("/in/talk.csv", "talk.csv", lambda: io.BytesIO(data))


def read(text, notes=None, **config):
    return list(FORMAT.read(opened(text), notes or Notes(), SourceConfig(**config)))


def said(text, **config):
    return {d.id.removeprefix("talk.csv"): [tuple(t[:2]) for t in d.turns] for d in read(text, **config)}


def format_of(text):
    return [each.name for each in (FORMAT, TSV) if each.recognises(opened(text))]


def test_messages_are_grouped_by_their_dialogue_wherever_they_stand():
    assert format_of(GROUPED) == ["csv"]
    assert said(GROUPED) == {
        ":1": [("Ann", "Hi there"), ("Bo", "Hello, you"), ("Ann", 'He said "bye"')],
        ":2": [("Ann", "Tea?\nOr cake?"), ("Bo", "Yes")],
    }


@pytest.mark.parametrize("delimiter", [",", ";", "|", "\t"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_separators_line_ends_and_encodings_are_found_out(delimiter, end, encoding):
    rows = [["conversation id", "from", "message"], ["7", "Zoë", "Hi – there"], ["7", "Bo", 'a, b; c|d\te "f"']]
    written = io.StringIO()
    csv.writer(written, delimiter=delimiter, lineterminator=end, quoting=csv.QUOTE_ALL).writerows(rows * 1)
    text = written.getvalue().encode(encoding)
    assert format_of(text) == ["tsv" if delimiter == "\t" else "csv"]
    assert said(text) == {":7": [("Zoë", "Hi – there"), ("Bo", 'a, b; c|d\te "f"')]}


@pytest.mark.parametrize(
    "header",
    [
        "Q,A,label", "question,answer,id", "Frage,Antwort,Nr", "pregunta,respuesta,x", "вопрос,ответ,n", "问题,答案,n",
        "質問,回答,n", "질문,답변,n", "prompt,completion,n", "Customer Message,Agent Reply,n", "user,assistant,n",
        "input_text,output_text,n", "source,target,n",
    ],
)  # fmt: skip
def test_questions_and_replies_are_told_by_their_names(header):
    text = f"{header}\nWie geht es dir?,Gut und dir?,0\nUnd sonst so?,Alles ist gut.,1\n"
    assert format_of(text) == ["csv"]
    assert said(text) == {
        ":1": [("A", "Wie geht es dir?"), ("B", "Gut und dir?")],
        ":2": [("A", "Und sonst so?"), ("B", "Alles ist gut.")],
    }


@pytest.mark.parametrize(
    "header",
    ["Gespräch;Sprecher;Nachricht", "conversación;autor;mensaje", "dialogId;userName;Text", "диалог;автор;текст",
     "对话;说话人;内容", "対話ID;話者;発話", "대화ID;화자;발화"],
)  # fmt: skip
def test_messages_are_told_by_their_names(header):
    text = f"{header}\n1;Ann;Hallo du da\n1;Bo;Hallo Ann\n2;Ann;Wie geht es?\n2;Bo;Gut\n"
    assert format_of(text) == ["csv"]
    assert said(text) == {
        ":1": [("Ann", "Hallo du da"), ("Bo", "Hallo Ann")],
        ":2": [("Ann", "Wie geht es?"), ("Bo", "Gut")],
    }


def test_without_a_dialogue_a_table_is_one_chat_that_silence_cuts():
    text = "Date,Author,Message\n2024-01-05 10:00,Ann,Tea at five?\n2024-01-05T10:01Z,Bo,Yes please\n"
    text += "1704538800000,Ann,Again?\n"
    dialogues = read(text)
    assert [(d.id, [t.text for t in d.turns]) for d in dialogues] == [
        ("talk.csv:2024-01-05 10:00", ["Tea at five?", "Yes please"]),
        ("talk.csv:2024-01-06 11:00", ["Again?"]),
    ]
    assert dialogues[0].turns[1].time == 1704448860.0
    assert len(read(text, silence=10_000.0)) == 1
    assert said("author,message\nAnn,Tea at five?\nBo,Yes please\n") == {
        "": [("Ann", "Tea at five?"), ("Bo", "Yes please")]
    }


def test_channels_are_chats_and_groups():
    text = "channel,user,content,timestamp\nx,Ann,Tea at five?,1000\ny,Cy,Is it on?,1001\nx,Bo,Yes please,1002\n"
    assert [(d.id, d.group, len(d.turns)) for d in read(text)] == [
        ("talk.csv:x:1970-01-01 00:16", "x", 2),
        ("talk.csv:y:1970-01-01 00:16", "y", 1),
    ]


def test_day_and_clock_may_stand_apart_and_days_may_be_doubtful():
    text = "Date;Time;Sender;Message\n{};10:00 PM;Ann;Hi there\n{};10:05 PM;Bo;Hello you\n"
    notes = Notes()
    assert read(text.format("13/06/2024", "14/06/2024"), notes, silence=9e9)[0].turns[0].time == 1718316000.0
    assert not notes.warnings
    assert read(text.format("6/5/2024", "6/5/2024"), notes)[0].id == "talk.csv:2024-06-05 22:00"
    assert len(notes.warnings) == 1
    assert read(text.format("6/5/2024", "6/5/2024"), notes, dates="day-first")[0].id == "talk.csv:2024-05-06 22:00"


def test_newest_first_is_turned_round():
    text = "time,speaker,text\n3000,Ann,Third it is\n2000,Bo,Second b\n2000,Ann,Second a\n1000,Bo,First it is\n"
    assert [t.text for t in read(text)[0].turns] == ["First it is", "Second a", "Second b", "Third it is"]


def test_turns_with_numbers_are_put_in_order():
    text = "conv_id,utterance_idx,speaker_idx,utterance\nh1,2,0,Second it is\nh1,10,1,Third it is\nh1,1,1,First it is\n"
    assert said(text) == {":h1": [("1", "First it is"), ("0", "Second it is"), ("1", "Third it is")]}


def test_links_to_what_is_answered_are_kept_and_make_threads():
    chat = "id,author,content,created_at,reply_to\n1,Ann,Tea at five?,100,\n2,Bo,I am in,200,\n3,Cy,Me too,300,1\n"
    assert [turn.answers for turn in read(chat)[0].turns] == [None, None, 0]
    tweets = (
        "tweet_id,author_id,text,in_response_to_tweet_id\n3,bot,We are sorry,2.0\n2,u1,It is broken,\n"
        "5,bot,Hello there,4\n4,u2,Mine is dead,9\n6,u1,Still broken,3\n7,x,a ring,8\n8,y,a ring too,7\n"
    )
    found = {d.id: [(t.text, t.answers) for t in d.turns] for d in read(tweets)}
    assert found["talk.csv:2"] == [("It is broken", None), ("We are sorry", 0), ("Still broken", 1)]
    assert found["talk.csv:4"] == [("Mine is dead", None), ("Hello there", 0)]
    assert sum(map(len, found.values())) == 7


def test_two_texts_without_a_header_are_question_and_reply():
    assert format_of("Hi there you\tHello to you\nWhat now?\tNothing at all\n") == ["tsv"]
    assert said('Say "hi"\t"Hello" to you\nWhat now?\tNothing at all\n')[":1"] == [
        ("A", 'Say "hi"'),
        ("B", '"Hello" to you'),
    ]
    assert said('"How are you?","I, well"\n"What is it?","A table"\n"Is it so?","It is"\n')[":1"] == [
        ("A", "How are you?"),
        ("B", "I, well"),
    ]
    assert said("7\tHi there you\tHello to you\n8\tWhat now?\tNothing at all\n")[":2"] == [
        ("A", "What now?"),
        ("B", "Nothing at all"),
    ]


def test_rows_of_texts_are_dialogues():
    text = "Hi there\tHello you\tHow is it?\nWhat now?\tNothing at all\nTea for you?\tOh yes\tGood then\tThank you\n"
    assert format_of(text) == ["tsv"]
    assert [[t.text for t in d.turns] for d in read(text)] == [line.split("\t") for line in text.splitlines()]


def test_a_dialogue_may_stand_in_one_cell():
    text = 'id,dialogue,summary\n1,"#Person1#: Hi\n#Person2#: Hello\n#Person1#: Tea?",They greet\n'
    assert said(text) == {":1": [("Person1", "Hi"), ("Person2", "Hello"), ("Person1", "Tea?")]}


def test_commas_in_the_last_column_belong_to_the_text():
    text = "speaker,text\nAnn,Hello, you, there\nBo,Hi\n"
    assert format_of(text) == ["csv"]
    assert said(text)[""][0] == ("Ann", "Hello, you, there")


def test_other_ways_of_writing():
    assert said("sep=;\nspeaker;text\nAnn;Hi there\nBo;Hello\n") == {"": [("Ann", "Hi there"), ("Bo", "Hello")]}
    assert said('speaker, text\nAnn, "Hi, there"\nBo, Hello\n') == {"": [("Ann", "Hi, there"), ("Bo", "Hello")]}
    assert said('speaker,text\nAnn,"a \\"b\\", c"\nBo,Hello\n')[""][0] == ("Ann", 'a "b", c')
    assert said("speaker,text,text,\nAnn,Hi there,x,y\nBo\n\nCy,Hello,,\n")[""] == [
        ("Ann", "Hi there"),
        ("Cy", "Hello"),
    ]


def test_what_says_nothing_is_left_out_and_counted():
    notes = Notes()
    assert len(read("speaker,text\nAnn,Hi there\nBo,\nCy,  \nAnn,Bye now\n", notes)[0].turns) == 2
    assert len(read("question,answer\nWhat is it?,A thing\nWho is it?,\n,Me\n", notes)) == 1
    assert sorted(notes.counts.values()) == [2, 2]


def test_roles_that_instruct_are_left_out():
    notes = Notes()
    found = read("conversation_id,role,content\n1,system,Be kind\n1,user,Hi there\n1,assistant,Hello\n", notes)
    assert [t.speaker for t in found[0].turns] == ["user", "assistant"]
    assert notes.counts.total() == 1


def test_without_speakers_turns_alternate():
    assert said("dialogue_id,text\n1,Hi there\n1,Hello you\n1,Bye now\n") == {
        ":1": [("A", "Hi there"), ("B", "Hello you"), ("A", "Bye now")]
    }


def test_columns_may_be_named():
    text = "foo,bar,baz\nHow are you,Fine thanks,7\nWhat is up,Nothing much,8\n"
    assert said(text, columns=Columns(context="bar", reply="foo"))[":1"] == [("A", "Fine thanks"), ("B", "How are you")]
    assert said(text, columns=Columns(text="foo", dialogue="baz")) == {
        ":7": [("A", "How are you")],
        ":8": [("A", "What is up")],
    }
    assert said(text, columns=Columns(text="foo", speaker="baz")) == {"": [("7", "How are you"), ("8", "What is up")]}
    assert said(text, columns=Columns(text="foo", time="baz"))
    assert said(GROUPED, columns=Columns(speaker="dialogue_id"))
    assert has_columns(opened(text), Columns(text="foo", dialogue="baz"))
    assert not has_columns(opened(text), Columns())
    assert not has_columns(opened(text), Columns(text="word"))


@pytest.mark.parametrize(
    ("columns", "told"),
    [
        (Columns(text="txt"), r"no column 'txt' \(columns\.text\); there are foo, bar"),
        (Columns(context="foo"), r"expected columns for columns\.context and columns\.reply; there are foo, bar"),
        (
            Columns(),
            r"its columns \(foo, bar\) do not tell what is said by whom; name the columns with --source\.columns",
        ),
    ],
)
def test_columns_that_are_not_there_are_named(columns, told):
    with pytest.raises(PrepareError, match=told) as error:
        read("foo,bar\n1,2\n3,4\n", columns=columns)
    assert str(error.value).startswith("/in/talk.csv: ")


@pytest.mark.parametrize("text", ["", "one line", "a\nb\nc\n", "\n\n\n"])
def test_no_table_is_told(text):
    with pytest.raises(PrepareError, match="no table with two columns or more"):
        read(text)


def test_a_quote_without_end_is_named_with_its_line():
    body = "".join(f"Ann,line number {k}\n" for k in range(20_000))
    with pytest.raises(PrepareError, match=r"/in/talk\.csv, line 3: a quote in the row that begins here has no end"):
        read(f'speaker,text\nBo,Hello\nAnn,"Hi\n{body[:2_000]}')
    with pytest.raises(PrepareError, match=r"/in/talk\.csv, line 20002: a quote in the row"):
        read(f'speaker,text\n{body}Ann,"Hi\n{body}')
    notes = Notes()
    read(f'speaker,text\nBo,Hello\nAnn,"Hi\n{body[:9_000]}Bo,"so"\nAnn,Bye\n', notes)
    assert "/in/talk.csv, line 3: this row goes on to line" in notes.warnings[0]


@pytest.mark.parametrize(
    "text",
    [
        "Ann went home, tired, and slept.\nShe woke, ate, and left.\nThen, at noon, it rained.\n",
        "Hello, my friends\nHow are you, then\nI am well, thanks\n",
        "year\tcount\n2001\t5\n2002\t7\n",
        "text,label\nI like this film,good\nI hate this film,bad\n",
        "good\tI like this film\nbad\tI hate this film\n",
        "id,text,lang\n1,I like this film,en\n2,I hate this one,en\n",
        "timestamp,level,logger,message\n2024-01-01,INFO,main,It has begun now\n2024-01-01,INFO,main,It is over\n",
        "timestamp,message\n2024-01-01,It has begun now\n2024-01-02,It is over now\n",
        "sentence1\tsentence2\tscore\nA man plays here\tA man is there\t3\nA dog runs here\tA dog is there\t4\n",
        "title,author,content,date\nTea,Ann,All about tea here,2024\nMilk,Ann,All about milk,2024\n",
        "name,value\nthe one,a long value\nthe other,another value\nthe one,a third value\n",
        "apple\tmanzana\nhouse\tcasa\ndog\tperro\n",
        "1 Hi there you\tHello to you\n2 What now?\tNothing at all\n1 Again then\tAnd again\n",
        "text:Hi there you\tlabels:Hello to you\ntext:What now?\tlabels:Nothing at all\tepisode_done:True\n",
        "[12:00] <Ann> hi, there\n[12:01] <Bo> well, hello\n[12:02] <Ann> so, now\n",
        "1/2/24, 10:00 - Ann: Hi there, you\n1/2/24, 10:01 - Bo: Hello, Ann\n1/2/24, 10:02 - Ann: Bye\n",
        "Ann: Hi, there\nBo: Hello, you\nAnn: Tea, then?\n",
        "Hi . __eou__ Hello , you . __eou__\nTea ? __eou__ Yes , please . __eou__\n",
        "x = {'a': 1, 'b': 2}\nfor k, v in x.items():\n    print(k, v)\n",
        '{"a": 1, "b": "some text"}\n{"a": 2, "b": "more text"}\n',
        "- one, two\n- three, four\n- five, six\n",
    ],
)  # fmt: skip
def test_what_is_no_talk_in_a_table_is_left_alone(text):
    assert format_of(text) == []


def test_a_head_that_ends_inside_a_cell_is_recognised():
    text = "speaker,text\n" + "".join(f'{"AB"[k % 2]},"line {k}\nand more, of it"\n' for k in range(5_000))
    assert format_of(text) == ["csv"]
    assert len(read(text)[0].turns) == 5_000


def test_times_of_many_kinds():
    moments = Moments([])
    written = ["2017-10-31T22:10:47Z", "Tue Oct 31 22:10:47 +0000 2017", "Tue, 31 Oct 2017 22:10:47 GMT"]
    written += ["1509487847000", "31-Oct-17 10:10:47 PM", "2017-10-31 22:10:47"]
    for value in (*written, 1509487847, 1509487847000000, 1509487847.0, 1509487847 * 10**9):
        assert moments.seconds(value) == 1509487847.0
    for value in (None, "", "soon", "NaT", True, float("nan"), 10**40, "31.12.99999 10:00", [], {}):
        assert moments.seconds(value) is None


def test_guesses_need_certainty():
    assert guess({}) is None
    assert guess({"text": [], "speaker": []}) is None
    assert guess({"text": [None], "speaker": ["Ann"]}) is None
    assert guess({"text": ["Hi"], "speaker": ["Ann"]}).speaker == "speaker"
    # Everybody speaks once: authors of articles, not people who talk.
    many = {"text": [f"All about tea {k}" for k in range(30)], "author": [f"Ann {k}" for k in range(30)]}
    assert guess(many) is None


@settings(max_examples=300, deadline=None)
@given(
    st.binary(max_size=200)
    | st.text("a ,;\t|\"\n\r'\\x1:", max_size=120)
    | st.tuples(st.integers(0, 140), st.binary(max_size=4)),
)
def test_arbitrary_bytes_and_damage_raise_nothing_but_our_own_error(data):
    if isinstance(data, tuple):
        place, other = data
        data = GROUPED.encode()[:place] + other + GROUPED.encode()[place + len(other) :]
    file = opened(data)
    format_of(data)
    with suppress(PrepareError):
        for dialogue in FORMAT.read(file, Notes(), SourceConfig()):
            assert all(isinstance(turn.text, str) and isinstance(turn.speaker, str) for turn in dialogue.turns)


TEXTS = st.text(st.characters(exclude_categories=["Cs", "Cc"]) | st.just("\n"), min_size=1, max_size=20)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 3), st.sampled_from(["Ann", "Bo"]), TEXTS), min_size=2))
def test_what_was_written_is_read(rows):
    rows = [(d, s, f"Well, {t}") for d, s, t in rows]
    written = io.StringIO()
    csv.writer(written).writerows([("dialogue_id", "speaker", "text"), *rows])
    wanted = {}
    for dialogue, speaker, text in rows:
        wanted.setdefault(f":{dialogue}", []).append((speaker, text))
    assert said(written.getvalue()) == wanted


@pytest.mark.skipif(not SHARED.is_dir(), reason="the corpora are not here")
def test_real_tables_give_what_the_csv_module_gives():
    data = (SHARED / "songys_ko" / "ChatbotData.csv").read_bytes()
    rows = list(csv.DictReader(io.StringIO(data.decode(), newline="")))
    assert format_of(data) == ["csv"]
    assert list(said(data).values()) == [[("A", row["Q"]), ("B", row["A"])] for row in rows]
    assert len(rows) == 11_823
    data = (SHARED / "lccc_toy" / "toy_train.txt").read_bytes()
    assert format_of(data) == ["tsv"]
    assert list(said(data).values()) == [
        list(zip("AB", line.split("\t"), strict=True)) for line in data.decode().split("\n")[:-1]
    ]


def test_a_row_with_more_cells_than_columns_invents_no_speaker():
    """An unquoted comma in the text, which is not the last column: nothing tells which comma it is."""
    rows = [f"1,line {number} of the talk,{'AB'[number % 2]}" for number in range(12)]
    rows[3], rows[5] = "1,well, yes it is,B", "1,so it is,B,,"
    notes = Notes()
    (dialogue,) = read("\n".join(["dialogue_id,text,speaker", *rows]), notes)
    assert {turn.speaker for turn in dialogue.turns} == {"A", "B"}
    assert len(dialogue.turns) == 11
    assert dialogue.turns[4][:2] == ("B", "so it is")
    assert notes.counts == {"rows with more cells than columns, left out": 1}


def test_a_text_in_the_last_column_keeps_its_commas():
    rows = [f"1,{'AB'[number % 2]},line {number} of the talk" for number in range(12)]
    notes = Notes()
    (dialogue,) = read("\n".join(["dialogue_id,speaker,text", "1,B,well, yes, it is", *rows]), notes)
    assert dialogue.turns[0][:2] == ("B", "well, yes, it is")
    assert not notes.counts


def test_a_cell_may_be_as_long_as_a_book_and_what_is_longer_is_told_truly():
    rows = [f"1,{'AB'[number % 2]},line {number} of the talk" for number in range(12)]
    long = "word " * 60_000
    text = "\n".join(["dialogue_id,speaker,text", *rows, f'1,A,"{long}"', "1,B,the end of it", ""])
    assert [len(turn.text) for turn in read(text)[0].turns][-2:] == [300_000, 13]
    limit = csv.field_size_limit(200_000)
    try:
        with pytest.raises(PrepareError, match=r"talk\.csv, line 14: a cell of the row that begins here has more than"):
            read(text)
    finally:
        csv.field_size_limit(limit)
