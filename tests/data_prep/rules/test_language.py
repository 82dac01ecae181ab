"""A text counts as foreign only where it surely is."""

from __future__ import annotations

import json
import pickle
import sys
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data_prep.errors import PrepareError
from data_prep.filters import FilterConfig, Filters
from data_prep.rules import language
from data_prep.rules.language import LanguageFilter
from data_prep.rules.whole_columns import PASSED

ENGLISH = (
    "Where have you been all day?\nAt the dentist, and I am never going back.",
    "Shut up and drive.\nYes, sir!",
    "It's me, Sal.\nHey, how's it going, buddy?",
    "WHAT DID YOU SAY TO HER?\nNOTHING, I SWEAR!",
    "u coming 2nite or what\nya gimme 5 mins lol",
    "I'd like a croissant and a cappuccino, please.\nThat will be six euros.",
)
FOREIGN = {
    "de": "Kommst du heute Abend mit ins Kino?\nNein, ich muss noch arbeiten.",
    "fr": "Tu viens ce soir au cinéma ?\nNon, je dois encore travailler.",
    "es": "¿Vienes esta noche al cine?\nNo, todavía tengo que trabajar.",
    "it": "Vieni stasera al cinema?\nNo, devo ancora lavorare.",
    "nl": "Ga je vanavond mee naar de film?\nNee, ik moet nog werken.",
    "pt": "Você vem ao cinema hoje à noite?\nNão, ainda tenho que trabalhar.",
    "tr": "Bu akşam sinemaya geliyor musun?\nHayır, daha çalışmam gerekiyor.",
    "pl": "Idziesz dziś wieczorem do kina?\nNie, muszę jeszcze pracować.",
    "id": "Kamu mau ikut nonton film nanti malam?\nTidak, aku masih harus bekerja.",
    "ru": "Ты идёшь сегодня вечером в кино?\nНет, мне ещё надо работать.",
    "zh": "你今晚去看电影吗？\n不去，我还要工作。",
    "ja": "今夜映画に行く？\nううん、まだ仕事があるんだ。",
    "ko": "오늘 저녁에 영화 보러 갈래?\n아니, 아직 일해야 해.",
    "hi": "क्या तुम आज रात फ़िल्म देखने चलोगे?\nनहीं, मुझे अभी काम करना है।",
    "fa": "امشب به سینما می‌آیی؟\nنه، هنوز باید کار کنم.",
}
SAID_ANYWHERE = (
    "",
    "Guten Morgen",
    "Oui",
    "你好",
    "Hahahaha\nhahaha hihi",
    "Hmm mmm ahhh ohhh\nyayyyy",
    "Arnold Schwarzenegger\nLeonardo da Vinci",
    "1234567890 555\n+49 170 1234567",
    "https://example.de/die/strasse/nach/hause\nwww.example.fr/je/ne/sais/pas",
    "[name] [link]\n<CA> [number]",
    "\ud83d\ude00 \ud83d 😀😀",
)
SHARED = Path(__file__).resolve().parents[3].parent / "shared" / "data"


@pytest.fixture
def english():
    pytest.importorskip("py3langid")
    return LanguageFilter("en")


@pytest.mark.parametrize("text", ENGLISH)
def test_what_is_wanted_passes(english, text: str) -> None:
    assert not english.speaks_other(text)
    assert LanguageFilter("de").speaks_other(ENGLISH[0])


@pytest.mark.parametrize("code", FOREIGN)
def test_another_language_is_told_and_passes_where_it_is_wanted(english, code: str) -> None:
    assert english.speaks_other(FOREIGN[code])
    assert not LanguageFilter(code.upper()).speaks_other(FOREIGN[code])


@pytest.mark.parametrize("text", SAID_ANYWHERE)
def test_what_may_be_said_in_any_language_passes(english, text: str) -> None:
    assert not english.speaks_other(text)


def test_numbers_beside_unspaced_words_do_not_hide_them(english) -> None:
    assert english.speaks_other("我有2只狗，3只猫，还有1条鱼在家里。")


@pytest.mark.parametrize("code", ["xx", "english", "", "zxx", "en-GB"])
def test_an_unknown_code_is_told_with_known_ones(english, code: str) -> None:
    with pytest.raises(PrepareError, match=r"de, en, es.* zh") as error:
        LanguageFilter(code)
    assert repr(code) in str(error.value)


def test_it_travels_light(english) -> None:
    carried = pickle.dumps(english)
    assert len(carried) < 200
    assert pickle.loads(carried).speaks_other(FOREIGN["de"])  # noqa: S301


@settings(max_examples=300, deadline=None)
@given(st.text(st.characters(codec=None), max_size=60))
def test_any_text_is_survived(text: str) -> None:
    pytest.importorskip("py3langid")
    assert LanguageFilter("en").speaks_other(text) in (True, False)


@pytest.mark.skipif(not SHARED.exists(), reason="the shared corpora are not here")
def test_of_english_dialogues_one_in_a_hundred_goes_at_most(english) -> None:
    lines = (
        (SHARED / "dailydialog" / "validation" / "dialogues_validation.txt").read_text(encoding="utf-8").splitlines()
    )
    pairs = [pair for line in lines for pair in pairwise(line.split("__eou__")[:-1])][:1500]
    assert sum(english.speaks_other("\n".join(pair)) for pair in pairs) <= len(pairs) / 100


@pytest.mark.parametrize("code", ["Fr", "Ko", "Zh"])
@pytest.mark.skipif(not SHARED.exists(), reason="the shared corpora are not here")
def test_of_other_dialogues_nine_in_ten_go_at_least(english, code: str) -> None:
    path = SHARED / "xpersona" / f"{code}_persona_split_valid_human_annotated.json"
    pairs = [pair for each in json.loads(path.read_text(encoding="utf-8")) for pair in each["dialogue"]][:500]
    assert sum(english.speaks_other("\n".join(pair)) for pair in pairs) >= 0.9 * len(pairs)


FOREIGN_REPLY = (
    "Are you coming to the station this evening with us?",
    "Kommst du heute Abend auch zum Bahnhof mit uns?",
)


@pytest.mark.parametrize("pair", [FOREIGN_REPLY, FOREIGN_REPLY[::-1]])
def test_one_side_in_another_language_is_enough(pair: tuple[str, str]) -> None:
    pytest.importorskip("py3langid")
    chat = Filters(FilterConfig(language="en"))
    assert chat.explain(*pair) == "another language"
    texts = pa.array([*pair, "At the station, then.", "Ja."], pa.large_string())
    verdict = np.full(3, PASSED)
    chat.judge(verdict, texts, texts, np.array([0, 0, 2]), np.array([1, 2, 3]))
    assert [place == PASSED for place in verdict.tolist()] == [False, pair == FOREIGN_REPLY, True]


@pytest.mark.skipif(not SHARED.exists(), reason="the shared corpora are not here")
def test_of_english_sides_one_in_a_thousand_counts_as_foreign_at_most(english) -> None:
    path = SHARED / "dailydialog" / "validation" / "dialogues_validation.txt"
    sides = [side for line in path.read_text(encoding="utf-8").splitlines() for side in line.split("__eou__")[:-1]]
    assert sum(map(english.is_foreign_side, sides[:1500])) <= 1


def test_long_runs_take_their_time_once(english) -> None:
    for piece in ("a", "1", "a ", "/", "漢", "a/", "é"):
        english.speaks_other(piece * (150_000 // len(piece)))


def test_without_the_library_it_says_what_to_install(monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "py3langid", None)
    monkeypatch.setitem(sys.modules, "py3langid.langid", None)
    language._identifier.cache_clear()
    with pytest.raises(PrepareError, match=r'pip install "chatbot\[language\]"'):
        LanguageFilter("en")
