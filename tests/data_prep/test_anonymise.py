"""What says who people are goes from the texts; what does not, stays; and nothing in between breaks."""

from __future__ import annotations

import pickle
import re

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from data_prep.anonymise import EMAIL, LINK, NAME, Anonymiser
from data_prep.anonymise_numbers import NUMBER, PHONE
from data_prep.errors import PrepareError
from data_prep.filters import read_list
from data_prep.rules import is_placeholder, repair

PLACEHOLDERS = (NAME, PHONE, EMAIL, LINK, NUMBER)
SPEAKERS = (
    "Anna-Maria van der Berg",
    "José García",
    'Robert "Bob" O’Brien',
    "Dr. Mia Chen (Maisie)",
    "Will Smith 🐝",
    "~ Zoë",
    "Al Green",
    "Jo",
    "Thi Mai",
    "Hans Müller",
    "user_42",
    "xXdaveXx",
    "User 1",
    "李明",
    "田中 太郎",
    "김민수",
    "أحمد علي",
    "राम कुमार",
    "Иван Петров",
    "สมชาย",
    "+49 170 1234567",
)
CHAT = Anonymiser(SPEAKERS)


def listed(texts: str) -> list[str]:
    return [text.strip() for text in texts.split(";")]


@pytest.mark.parametrize(
    ("text", "after"),
    [
        ("anna-maria VAN DER berg came", "[name] came"),
        ("Anna Maria van der Berg, MARIA, Berg", "[name], [name], [name]"),
        ("Anna's, ANNA’S, Annas Auto", "[name]'s, [name]’S, [name]s Auto"),
        ("jose, JOSÉ, Jose\u0301 garcia", "[name], [name], [name]"),
        ("bob met o'brien and Robert O’Brien", "[name] met [name] and [name]"),
        ("Maisie, chen", "[name], [name]"),
        ("zoe ZOË zoë", "[name]"),
        ("hans mueller, muller", "[name], [name]"),
        ("User_42, user 42, xxdavexx", "[name], [name], [name]"),
        ("user 1 said", "[name] said"),
        ("我是李明吗", "我是[name]吗"),
        ("田中太郎さん、太郎は", "[name]さん、[name]は"),
        ("민수야 김민수가", "[name]야 [name]가"),
        ("وأحمد قال لعلي", "و[name] قال ل[name]"),
        ("राम आया", "[name] आया"),
        ("иван ПЕТРОВ", "[name]"),
        ("คุณสมชายครับ", "คุณ[name]ครับ"),
        ("anna92 #anna _anna_", "[name]92 #[name] _[name]_"),
        ("@anything and @some.one.", "[name] and [name]."),
        ("ask <@U123ABC|bob> or @491701234567", "ask [name] or [name]"),
        ("Al and Jo", "[name] and [name]"),
        ("Hi will! Will, thanks, will", "Hi [name]! [name], thanks, [name]"),
    ],
)
def test_names_go(text: str, after: str) -> None:
    assert CHAT.text(text) == after


@pytest.mark.parametrize(
    ("text", "after"),
    [
        ("Annaaa, ANNAAAA and annaaa", "[name], [name] and [name]"),
        ("Robertttt, robertt", "[name], [name]"),
        ("Bennnn! Benn? bennn", "[name]! [name]? [name]"),
        ("Bens car, Bennns car", "[name]s car, [name]s car"),
        ("Maaaay? Mayyyy! Willlll", "Maaaay? [name]! [name]"),
        ("annaaaa's", "[name]'s"),
        ("Zoëëë", "[name]"),
    ],
)
def test_names_that_are_drawn_out_go(text: str, after: str) -> None:
    chat = Anonymiser(["Anna", "Robert", "Ben", "May", "Will", "Zoë"])
    assert chat.text(text) == after


@pytest.mark.parametrize(
    "text",
    listed("""
    Anna, Anne, annex, Annie; benn, bens; willl you, mayyy be; Boo, Booo; call me, Call me, calls; dann, Dann;
    this is, This; three trees, Three; Do you know? Does he?
"""),
)
def test_words_that_look_like_names_drawn_out_stay(text: str) -> None:
    chat = Anonymiser(["Ann", "Ben", "May", "Will", "Bo", "Cal", "Dan", "Thi", "Tre", "Doe"])
    assert chat.text(text) == text


@pytest.mark.parametrize(
    "text",
    listed("""
    the van der Waals force; will you go? I won't; green grass; al dente; JO; Annabel met Joanna and Bergen;
    this is it; user 2, user_421, users; रामायण; Can't, don't, Ma'am; meet @ noon, @5pm;
    the doctor, Dr who, Mrs X
"""),
)
def test_what_only_resembles_a_name_stays(text: str) -> None:
    assert CHAT.text(text) == text


@pytest.mark.parametrize(
    "role",
    ["A", "B", "user", "assistant", "customer", "agent", "USER", "SYSTEM", "Human", "Bot", "Student", "Teacher", ""],
)
def test_roles_are_no_names(role: str) -> None:
    chat = Anonymiser([role, "🐝", "123"])
    text = f"A user, b assistant, customer agent SYSTEM human bot student teacher {role} 123 🐝"
    assert chat.text(text) == text
    assert chat.strings_to_hide() == []


@pytest.mark.parametrize("name", ["User 1", "Speaker 1"])
def test_a_numbered_role_goes_whole(name: str) -> None:
    assert Anonymiser([name]).text(f"{name.lower()} is a user, a speaker, 1") == "[name] is a user, a speaker, 1"


@pytest.mark.parametrize(
    "number",
    listed("""
    +49 (0)170 / 123 45 67; +1 (555) 010-0199; 00 44 20 7946 0958; 555-0199; (020) 7946 0958; 06 12 34 56 78;
    06.12.34.56.78; 13800138000; 0170-1234567; 2034 5678; ٠١٧٠١٢٣٤٥٦٧; ०१७०१२३४५६७; （０３）１２３４－５６７８
"""),
)
def test_telephone_numbers_go(number: str) -> None:
    assert CHAT.text(f"Call {number}, please (or {number}).") == "Call [phone], please (or [phone])."


@pytest.mark.parametrize(
    "number",
    listed("""
    48392; DE89 3704 0044 0532 0130 00; GB29 NWBK 6016 1331 9268 19; 4111 1111 1111 1111; 123-456; 12345678;
    550e8400-e29b-41d4-a716-446655440000
"""),
)
def test_long_numbers_go(number: str) -> None:
    assert CHAT.text(f"It is {number}!") == "It is [number]!"


@pytest.mark.parametrize(
    "text",
    listed("""
    2023-01-05; 05/06/2023 12:30:15; 5.6.23; 12:30-13:45; 1,000,000; 1.000.000; 1 000 000; 1,00,000; $12345;
    20000 euros; 18000 people; 1234.50; 1990-1995; 2019/20; 2019, 2020 2021; March 12 2023 5pm; room 12, 14, 16;
    aged 10,12,15,17; 250-300 pounds; 5-4-3-2-1; 6-4 6-3 7-5; h264, 1080p; 24/7
"""),
)
def test_dates_prices_and_counts_stay(text: str) -> None:
    assert CHAT.text(text) == text


@pytest.mark.parametrize(
    ("text", "after"),
    [
        ("see https://example.com/a?b=c#d.", "see [link]."),
        ("(www.example.org), example.com!", "([link]), [link]!"),
        ("t.me/abc youtu.be/x1 discord.gg/y", "[link] [link] [link]"),
        ("shop.example.com.au, example.co.uk:8080/x", "[link], [link]"),
        ("in C:\\Users\\anna\\x.txt now", "in [link] now"),
        ("C:\\Users\\Ann Other\\Documents\\x", "[link]"),
        ("/home/anna/x and /Users/bob", "[link] and [link]"),
        ("看https://x.example/abc。很好", "看[link]。很好"),
        ("mailto:anna.b+c@mail.example.co.uk!", "[email]!"),
        ("q (at) example.com, q [at] example (dot) com", "[email], [email]"),
    ],
)
def test_links_paths_and_addresses_go(text: str, after: str) -> None:
    assert CHAT.text(text) == after


@pytest.mark.parametrize(
    "text", ["ok.it was", "done.me too", "e.g. this, i.e./that", "Node.js", "and/or", "hey:)", "D: no", "U.S.A."]
)
def test_what_only_resembles_a_link_stays(text: str) -> None:
    assert CHAT.text(text) == text


def test_speakers_are_numbered_as_they_first_appear() -> None:
    chat = Anonymiser(["Bo", "", "Al", "Bo", "assistant"], further=["Cy"])
    assert [chat.speaker(name) for name in ("Bo", "Al", "assistant", "Cy", "")] == [
        "speaker 1",
        "speaker 2",
        "speaker 3",
        "speaker",
        "",
    ]


def test_further_names_come_from_a_file(tmp_path) -> None:
    path = tmp_path / "names.txt"
    path.write_text("\ufeffPetra Klein\n\n  Otto \n", encoding="utf-8")
    assert read_list(str(path), "names") == ["Petra Klein", "Otto"]
    assert Anonymiser([], read_list(str(path), "names")).text("petra, OTTO") == "[name], [name]"


def test_a_file_of_names_that_cannot_be_read_is_told(tmp_path) -> None:
    (tmp_path / "latin").write_bytes(b"Jos\xe9")
    for name in ("latin", "missing"):
        with pytest.raises(PrepareError, match=name):
            read_list(str(tmp_path / name), "names")


def test_it_travels() -> None:
    copy = pickle.loads(pickle.dumps(CHAT))  # noqa: S301
    assert copy.texts(["Hi Anna", "0170 1234567"]) == ["Hi [name]", "[phone]"]
    assert copy.speaker("Jo") == CHAT.speaker("Jo")


@pytest.mark.parametrize("placeholder", PLACEHOLDERS)
def test_placeholders_live_through_the_rules(placeholder: str) -> None:
    for text in (placeholder, f"Hi {placeholder}, it's {placeholder}'s.", f'"{placeholder}" ({placeholder})?'):
        assert repair(text) == text
        assert not is_placeholder(text)
        assert Anonymiser(["Name", "Phone Number", "Link", "Email"]).text(text) == text


CRUMBS = """
Anna anna BERG's Marias José o'brien will Will al Jo @ . , : / \\ - ( ) [ ] name 0 1 4711 + www. http
"""
TEXTS = st.one_of(
    st.text(st.characters(codec=None), max_size=40),
    st.lists(
        st.sampled_from(
            [
                *SPEAKERS,
                *PLACEHOLDERS,
                *CRUMBS.split(),
                *(
                    "C:\\",
                    "://",
                    "example.com",
                    " (at) ",
                    "@x",
                    "\u0301",
                    "\u200b",
                    "ﬁ",
                    "ﷺ",
                    "ſ",
                    "İ",
                    "\ud83d",
                    "s",
                    " ",
                ),
            ]
        ),
        max_size=14,
    ).map("".join),
    st.lists(st.sampled_from([*SPEAKERS, "hi", "and", "12", "345", "2023"]), max_size=8).map(" ".join),
)


@settings(max_examples=700, deadline=None)
@given(TEXTS)
@example("[name" + "]" * 3)
@example("x@[name].com")
def test_twice_is_once_and_the_result_can_be_written(text: str) -> None:
    once = CHAT.text(text)
    assert CHAT.text(once) == once
    once.encode("utf-8")


WORDS = st.text(st.characters(categories=["Lu", "Ll"], max_codepoint=0x24F), min_size=3, max_size=9)


@settings(max_examples=300, deadline=None)
@given(
    st.lists(st.lists(WORDS, min_size=1, max_size=3).map(" ".join), min_size=1, max_size=5),
    st.lists(WORDS, max_size=6),
    st.sampled_from([str.lower, str.upper, str.title, str]),
    st.sampled_from([" ", ", ", "-", "! ", "'s ", "\n"]),
    st.randoms(use_true_random=False),
)
def test_no_name_is_left(names, words, case, between, random) -> None:
    chat = Anonymiser(names)
    pieces = [*words, *(part for name in names for part in [name, *name.split()])]
    random.shuffle(pieces)
    after = re.sub(r"\[\w+\]", " ", chat.text(case(between.join(pieces))))
    for name in chat.strings_to_hide():
        assert not re.search(rf"(?<!\w){re.escape(name)}(?!\w)", after, re.IGNORECASE), name


@settings(max_examples=300, deadline=None)
@given(st.lists(st.text(st.characters(codec=None), max_size=30), max_size=4), st.text(st.characters(codec=None)))
def test_any_speakers_are_survived(names: list[str], text: str) -> None:
    chat = Anonymiser(names)
    once = chat.text(" ".join([text, *names]))
    assert chat.text(once) == once
    assert all(chat.speaker(name).startswith("speaker") for name in names if name)


def test_thousands_of_names_cost_no_more_than_a_few() -> None:
    # With a pattern of all names this takes minutes, and the run is noticed.
    letters = "bdfgklmnprstvz"
    firsts = [f"{a}a{b}o{c}i".title() for a in letters for b in letters for c in letters]
    names = [f"{firsts[i % 500]} {firsts[i % len(firsts)]}ra" for i in range(4000)] + [f"user_{i}" for i in range(1000)]
    chat = Anonymiser(names)
    lines = [
        f"well then {names[i % 5000].upper()} said that {i % 7} of them were there, or so I heard" for i in range(10000)
    ]
    assert all(line.startswith("well then [name] said") for line in chat.texts(lines))


@pytest.mark.parametrize(
    "piece",
    [
        "a",
        "a@",
        "a.",
        "@a.",
        "1 ",
        "1-",
        "a(at)",
        "http://",
        "\\a",
        "/home/",
        "[name]",
        "anna ",
        "f0",
        "李",
        "é ",
        "-a",
    ],
)
def test_long_runs_take_their_time_once(piece: str) -> None:
    # With a quadratic pattern somewhere this takes minutes, and the run is noticed.
    text = CHAT.text(piece * (150_000 // len(piece)))
    assert CHAT.text(text) == text
