"""The experiments: what they make up is what they say, and what they find can be found again."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from chatbot import cli
from chatbot.errors import ChatbotError
from chatbot.lab import EXPERIMENTS, bptt, classifier, gates, letters, memories, retention, reviews, writer
from chatbot.lab.lesson import Lesson, StopWhen, teach
from chatbot.lab.long_lag import Job as LagJob
from chatbot.lab.long_lag import learn as learn_lag
from chatbot.lab.stack import Stack, parameters
from chatbot.lab.tasks import LETTERS, TASKS, reber_word
from chatbot.model.cell import Recurrence
from chatbot.model.layer import Layer
from tests.chatbot.conftest import needs_bf16

ROOT = Path(__file__).resolve().parents[3]


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


# ------------------------------------------------------------------------------------------------ the nets


def test_a_stack_read_in_pieces_ends_where_one_reading_does() -> None:
    torch.manual_seed(0)
    stack = Stack(Recurrence("lstm"), 3, 5, layers=2).double()
    x = torch.randn(4, 9, 3, dtype=torch.float64)
    whole, end = stack(x)
    first, state = stack(x[:, :4])
    second, other = stack(x[:, 4:], state)
    torch.testing.assert_close(torch.cat([first, second], dim=1), whole)
    for one, two in zip(end, other, strict=True):
        torch.testing.assert_close(one, two)


def test_a_lesson_stops_when_enough_is_learnt() -> None:
    net = torch.nn.Linear(1, 1)
    lesson = Lesson(net, lambda x: net(x).square().mean(), lambda w: torch.optim.SGD(w, lr=0.1))
    asked: list[int] = []

    def enough() -> bool:
        asked.append(len(lesson.losses))
        return len(asked) == 3

    teach(lesson, (torch.ones(2, 1) for _ in range(100)), steps=100, callbacks=[StopWhen(enough, 5)])
    assert asked == [5, 10, 15]
    assert len(lesson.losses) == 15
    assert lesson.losses[-1] < lesson.losses[0]


# ------------------------------------------------------------------------------------------------ gates


def test_the_chapters_arithmetic_comes_out_of_the_modules() -> None:
    assert gates.arithmetic() == {"plain layer": 17_550, "lstm layer": 70_200, "the net": 90_201}


def test_what_is_watched_is_what_the_layer_does() -> None:
    torch.manual_seed(1)
    stack = Stack(Recurrence("lstm"), 4, 6)
    vectors = torch.randn(7, 4)
    layer = stack.layers[0]
    assert isinstance(layer, Layer)
    seen = gates.watched(layer, vectors)
    with torch.no_grad():
        outputs, ((_, c),) = stack(vectors[None])
    assert seen["memory"][-1] == pytest.approx(c[0].numpy(), abs=1e-5)
    shown = seen["output"] * np.tanh(seen["memory"])
    assert shown == pytest.approx(outputs[0].numpy(), abs=1e-5)
    before = np.vstack([np.zeros((1, 6)), seen["memory"][:-1]])
    assert seen["memory"] == pytest.approx(seen["forget"] * before + seen["input"] * seen["candidate"], abs=1e-5)


# ------------------------------------------------------------------------------------------------ retention


def test_sentences_ask_for_their_first_word() -> None:
    words, asked = retention.sentences(200, 12, generator())
    assert words.shape == (200, 14)
    assert torch.equal(words[:, 0] - 1, asked)
    assert not words[:, -1].any()
    between = words[:, 1:-1]
    nouns = (between <= 2 * retention.NOUNS).float().mean()
    assert 0.1 < nouns < 0.2
    assert between.min() >= 1


def test_a_short_gap_is_learnt_and_the_same_seed_learns_the_same() -> None:
    job = retention.Job(retention.Memory("lstm", "forget bias 1"), 2, 0, 200, 200)
    one, other = retention.learn(job), retention.learn(job)
    assert one == other
    assert one.noun > 0.95


@pytest.mark.parametrize(("memory", "steps"), [(retention.Memory("rnn"), 2), (retention.Memory("lstm", "chrono"), 4)])
def test_only_a_net_that_no_gradient_reaches_is_given_up(memory: retention.Memory, steps: int) -> None:
    assert retention.learn(retention.Job(memory, 100, 0, steps=4, in_vain=2)).steps == steps


def test_less_of_the_gradient_comes_back_to_a_plain_net() -> None:
    plain = retention.gradients(retention.Memory("rnn"), 50, 0)
    chrono = retention.gradients(retention.Memory("lstm", "chrono"), 50, 0)
    assert len(plain) == 52
    assert plain[50] / plain[0] < 1e-6 < chrono[50] / chrono[0]


# ------------------------------------------------------------------------------------------------ long lags


def test_targets_of_the_tasks_can_be_reckoned_from_their_inputs() -> None:
    for name, combine in (("adding", torch.sum), ("multiplication", torch.prod)):
        x, target = TASKS[name].make(50, 40, generator())
        marked = torch.stack([row[row[:, 1] == 1, 0] for row in x])
        assert marked.shape == (50, 2)
        torch.testing.assert_close(combine(marked, dim=1), target)
    x, target = TASKS["temporal order"].make(50, 40, generator())
    symbols = x.argmax(dim=2)
    for row, wanted in zip(symbols.tolist(), target.tolist(), strict=True):
        first, second = (one - 4 for one in row[1:-1] if one in (4, 5))
        assert wanted == 2 * first + second
        assert (row[0], row[-1]) == (6, 7)
    x, target = TASKS["copying"].make(20, 15, generator())
    symbols = x.argmax(dim=2)
    assert torch.equal(symbols[:, :10], target[:, -10:])
    assert (target[:, :-10] == -100).all()
    assert x.shape[1] == 10 + 15 + 1 + 10
    x, target = TASKS["noisy lag"].make(50, 40, generator())
    assert torch.equal(x[:, :3, 0], (2.0 * target - 1)[:, None].expand(-1, 3))
    noise = TASKS["noisy lag"].make(200, 400, generator())[0][:, 3:]
    assert float(noise.var()) == pytest.approx(0.2, rel=0.05)
    assert {name: round(task.chance, 4) for name, task in TASKS.items()} == {
        "embedded Reber": 0.5, "noisy lag": 0.5, "adding": 0.1667, "multiplication": 0.0486, "temporal order": 0.25,
        "copying": 0.125,
    }  # fmt: skip
    for name in ("adding", "multiplication"):
        target = TASKS[name].make(20_000, 20, generator())[1]
        assert float(target.var()) == pytest.approx(TASKS[name].chance, rel=0.05), "who always says the mean"


def test_reber_words_are_words_of_the_grammar() -> None:
    inner = re.compile(r"B(TS*X|PT*V)(.*)")  # how each begins; the rest is checked by following the arrows
    assert inner.match("BTXSE")
    arrows = {
        (1, "T"): 2, (1, "P"): 3, (2, "S"): 2, (2, "X"): 4, (3, "T"): 3, (3, "V"): 5, (4, "X"): 3, (4, "S"): 6,
        (5, "P"): 4, (5, "V"): 6,
    }  # fmt: skip
    for seed in range(30):
        word, may = reber_word(generator(seed), 12)
        assert (word[0], word[-1]) == ("B", "E")
        assert word[1] == word[-2], "what must be remembered"
        state = 0
        for letter in word[2:-2]:
            if state == 0:
                assert letter == "B"
                state = 1
            elif state == 6:
                assert letter == "E"
                state = 0
            else:
                state = arrows[state, letter]
        assert state == 0
        assert len(word) - 4 >= 12
        for letter, allowed in zip(word[1:], may, strict=False):
            assert letter in allowed


def test_the_score_of_reber_is_of_whole_words() -> None:
    task = TASKS["embedded Reber"]
    _, may = task.make(8, 8, generator())
    perfect = may * 9
    assert task.score(perfect, may) == 1.0
    wrong = perfect.clone()
    wrong[0, 2] = 0
    wrong[0, 2, LETTERS.index("E")] = 9 * (1 - may[0, 2, LETTERS.index("E")])
    assert task.score(wrong, may) == 7 / 8


def test_an_easy_lag_is_solved_and_sequences_are_counted() -> None:
    learned = learn_lag(LagJob("noisy lag", 10, "lstm", 0, 600))
    assert learned.solved
    assert learned.sequences == learned.curve[-1][0] <= 600 * 50


# ------------------------------------------------------------------------------------------------ letters


def test_streams_read_the_text_in_order_and_tell_of_each_letter_the_next() -> None:
    text = torch.arange(1000)
    pieces = list(letters.streams(text, rows=4, k=10, steps=24))
    assert [begins for _, begins in pieces] == [True, *[False] * 23]
    first = torch.cat([piece[:, :-1] for piece, _ in pieces], dim=1)
    assert torch.equal(first[0], torch.arange(240))
    for piece, _ in pieces:
        assert torch.equal(piece[:, 1:], piece[:, :-1] + 1)
    assert [begins for _, begins in letters.streams(text, 4, 10, 60)].count(True) == 3


def test_nats_of_one_who_knows_nothing_are_those_of_the_alphabet() -> None:
    corpus = letters.bundled()
    speaker = letters.Speaker(len(corpus.alphabet), 8, Recurrence("gru"))
    torch.nn.init.zeros_(speaker.scores.weight)
    torch.nn.init.zeros_(speaker.scores.bias)
    assert speaker.nats(corpus.valid) == pytest.approx(math.log(len(corpus.alphabet)), abs=1e-5)
    assert corpus.text(corpus.ids("How are you?")) == "How are you?"


def test_what_is_written_is_the_same_for_the_same_seed_and_bolder_when_hot() -> None:
    torch.manual_seed(0)
    speaker = letters.Speaker(30, 16, Recurrence("lstm"))
    one, same, other = (speaker.write([1, 2], 40, 1.0, seed) for seed in (1, 1, 2))
    assert one == same != other
    assert len(set(speaker.write([1, 2], 200, 0.01, 1))) < len(set(speaker.write([1, 2], 200, 5.0, 1)))


def test_cut_nowhere_the_gradient_is_whole_and_cut_short_it_costs_less() -> None:
    torch.manual_seed(0)
    speaker = letters.Speaker(20, 12, Recurrence("lstm")).double()
    text = torch.randint(20, (3, 33), generator=generator())
    whole, most = bptt.gradient(speaker, text, 32)
    speaker.zero_grad()
    scores, _ = speaker(text[:, :-1])
    F.cross_entropy(scores.flatten(0, 1), text[:, 1:].flatten(), reduction="sum").backward()
    direct = torch.cat([p.grad.flatten() for p in speaker.parameters() if p.grad is not None])
    torch.testing.assert_close(whole, direct)
    angles = []
    for k in (1, 4, 16):
        cut, kept = bptt.gradient(speaker, text, k)
        angles.append(float(F.cosine_similarity(cut, whole, dim=0)))
        assert kept < most
    assert angles == sorted(angles)
    assert angles[-1] < 1.0


def test_what_the_way_back_keeps_grows_with_the_piece_and_not_with_the_corpus() -> None:
    torch.manual_seed(0)
    speaker = letters.Speaker(20, 12, Recurrence("lstm"))
    corpus = torch.randint(20, (100_000,), generator=generator())
    text = corpus[: 3 * 65].view(3, 65)
    kept = [bptt.gradient(speaker, text, k)[1] for k in (8, 16, 32)]
    assert kept == [bptt.gradient(speaker, text.clone(), k)[1] for k in (8, 16, 32)]
    first, second = kept[1] - kept[0], kept[2] - kept[1]
    assert second / first == pytest.approx(2, rel=0.1), "so much for each letter"


def test_the_whole_of_a_text_is_judged() -> None:
    torch.manual_seed(0)
    speaker = letters.Speaker(9, 8, Recurrence("gru"))
    text = torch.randint(9, (1_237,), generator=generator())
    scores, _ = speaker(text[None, :-1])
    expected = float(F.cross_entropy(scores[0], text[1:]).detach())
    assert speaker.nats(text, rows=1, k=500) == pytest.approx(expected, rel=1e-5)
    assert speaker.nats(text, rows=1, k=7) == pytest.approx(expected, rel=1e-5)
    assert speaker.nats_learning(text, rate=0.0) == pytest.approx(expected, rel=1e-5)
    corpus = letters.corpus_of("abcdefghij" * 1_000)
    assert [len(part) for part in (corpus.train, corpus.dev, corpus.valid)] == [8_550, 450, 1_000]


def test_what_is_learned_from_ends_where_the_held_out_part_begins() -> None:
    text = "".join(chr(97 + number * number % 23) for number in range(4_000))
    corpus = letters.corpus_of(text)
    assert "".join(corpus.text(part.tolist()) for part in (corpus.dev, corpus.train, corpus.valid)) == text


def test_learning_while_it_reads_pays_for_what_comes_again_but_never_sees_ahead() -> None:
    torch.manual_seed(0)
    speaker = letters.Speaker(9, 16, Recurrence("lstm"))
    chance = torch.randint(9, (400,), generator=generator())
    again = chance[:20].repeat(40)
    before = {name: weight.clone() for name, weight in speaker.state_dict().items()}
    still = speaker.nats(again)
    assert speaker.nats_learning(again) < still - 0.1
    speaker.load_state_dict(before)
    assert speaker.nats_learning(chance) > math.log(9) - 0.02, "chance is not to be learned"
    speaker.load_state_dict(before)
    first = speaker.nats_learning(again[:21])
    speaker.load_state_dict(before)
    assert first == pytest.approx(speaker.nats(again[:21], rows=1)), "guessed before anything was learned"


@pytest.mark.parametrize("precision", ["32-true", pytest.param("bf16-mixed", marks=needs_bf16)])
def test_a_writer_learns_in_either_precision(precision: str) -> None:
    torch.manual_seed(0)
    corpus = letters.corpus_of("the cat sat on the mat. " * 200)
    plan = writer.Plan(16, 2, (0.1, 0.1), (4, 20), 2e-2, 0.1, 150, 1.0)
    speaker, watch, losses = writer.learned(corpus, plan, precision)
    assert len(losses) == 150
    assert speaker.nats(corpus.valid) < 1.5 < losses[0]
    assert watch.points[-1][1] <= watch.points[0][1]


def test_a_writer_tells_of_what_helped_it_and_of_nothing_else() -> None:
    both, cache, learning = (writer._tells(0.1, 1.5, *two) for two in ((1.4, 1.45), (1.4, 1.6), (1.495, 1.45)))
    assert "it needs 1.40; where it may learn from every few letters once they are guessed, 1.45:" in both
    assert "it needs 1.40: a new name" in cache
    assert "may learn" not in cache
    assert "Where it may learn from every few letters once they are guessed, 1.45:" in learning
    assert "a new name" not in writer._tells(0.1, 1.5, 1.6, 1.5)


def test_memories_of_one_size_have_as_many_weights() -> None:
    for cell in memories.CELLS:
        for layers in (1, 2, 3):
            job = memories.Job(cell, layers, 0, 60_000, 1, 16, None)
            assert parameters(memories.speaker_of(job, 60)) == pytest.approx(60_000, rel=0.05)


# ------------------------------------------------------------------------------------------------ sentiment


GOOD, BAD = ("a joy to see", "warm and funny", "moving, bright"), ("a waste of time", "dull and cold", "tired, grey")


def opinions(count: int) -> tuple[list[str], list[str]]:
    return (
        [f"{GOOD[k % 3]} film number {k}" for k in range(count)],
        [f"{BAD[k % 3]} film number {k}" for k in range(count)],
    )


def as_folder(path: Path, good: list[str], bad: list[str]) -> list[Path]:
    for name, texts in (("pos", good), ("neg", bad)):
        (path / name).mkdir(parents=True)
        for number, text in enumerate(texts):
            (path / name / f"{number:04}.txt").write_text(text)
    return [path]


def as_files(path: Path, good: list[str], bad: list[str]) -> list[Path]:
    files = [path / "good.txt", path / "bad.txt"]
    for file, texts in zip(files, (good, bad), strict=True):
        file.write_text("".join(f"{text}\n" for text in texts))
    return files


def as_polarity(path: Path, good: list[str], bad: list[str]) -> list[Path]:
    for name, texts in (("x.pos", good), ("x.neg", bad)):
        (path / name).write_text("".join(f"{text}\n" for text in texts))
    return [path]


def as_table(path: Path, good: list[str], bad: list[str]) -> list[Path]:
    rows = [
        f'{number},"{text}",{side}\n'
        for side, texts in (("pos", good), ("neg", bad))
        for number, text in enumerate(texts)
    ]
    (path / "x.csv").write_text("id,text,label\n" + "".join(rows))
    return [path / "x.csv"]


@pytest.mark.parametrize("lay", [as_folder, as_files, as_polarity, as_table])
def test_reviews_are_read_from_wherever_they_are(tmp_path: Path, lay: Callable[..., list[Path]]) -> None:
    good, bad = opinions(60)
    found = reviews.read(lay(tmp_path, good, bad))
    assert sorted(zip(found.texts, found.labels, strict=True)) == sorted(
        [*((t, 1) for t in good), *((t, 0) for t in bad)]
    )
    train, test = found.split(0.8, seed=0)
    assert (len(train), len(test)) == (96, 24)
    assert not set(train.texts) & set(test.texts)
    assert found.split(0.8, seed=0)[1].texts == test.texts


@pytest.mark.parametrize(
    ("files", "says"),
    [
        ({}, "holds neither pos/"),
        ({"x.csv": "a,b\nx,y\nz,w\n"}, "none of 'a', 'b' has labels"),
        ({"x.csv": "text,seen,checked\n" + "fine,pos,yes\nbad,neg,no\n" * 60}, "'seen', 'checked' could all be"),
        ({"x.csv": ""}, "no table of several columns"),
        ({"x.csv": "fine,pos\nbad,neg\n" * 60}, "its first row, with 'pos' for a label"),
        ({"pos.txt": "a\n" * 200, "neg.txt": ""}, "200 of them for"),
    ],
)
def test_what_are_no_reviews_is_refused_in_one_line(tmp_path: Path, files: dict[str, str], says: str) -> None:
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    path = tmp_path / "x.csv" if "x.csv" in files else tmp_path
    with pytest.raises(ChatbotError, match=says) as caught:
        reviews.read([path])
    assert "\n" not in str(caught.value)
    with pytest.raises(ChatbotError, match="given twice"):
        reviews.read([path, path])


@pytest.mark.parametrize(
    ("good", "bad", "other"),
    [
        ("2", "1", ""),
        ("1", "0", ""),
        ("1.0", "0.0", ""),
        ("1", "-1", "0"),
        ("5 stars", "1 star", "3 stars"),
        ("pos", "neg", "neutral"),
    ],
)
def test_the_better_label_is_for_and_what_is_between_is_left_out(
    tmp_path: Path, good: str, bad: str, other: str
) -> None:
    rows = [
        f'"a joy, ""really"" {k}",{good},yes\n"\'tis a waste, {k}",{bad},no\n"so so {k}",{other},no\n'
        for k in range(60)
    ]
    (tmp_path / "x.csv").write_text("text,sentiment,verified\n" + "".join(rows))
    found = reviews.read([tmp_path / "x.csv"])
    assert len(found) == 120
    assert {label for text, label in zip(found.texts, found.labels, strict=True) if "joy" in text} == {1}
    assert {label for text, label in zip(found.texts, found.labels, strict=True) if "waste" in text} == {0}
    assert 'a joy, "really" 7' in found.texts
    assert "'tis a waste, 7" in found.texts


def test_a_mark_of_quotation_in_a_table_with_tabs_opens_nothing(tmp_path: Path) -> None:
    rows = [f'a "joy {k}\tpos\na waste {k}\tneg\n' for k in range(60)]
    (tmp_path / "x.tsv").write_text("text\tlabel\n" + "".join(rows))
    assert len(reviews.read([tmp_path / "x.tsv"])) == 120


def test_equal_texts_are_learned_from_or_held_out_together() -> None:
    texts = [f"text {k // 3}" for k in range(300)]
    train, test = reviews.Reviews(texts, [0, 1] * 150).split(0.8, seed=1)
    assert not set(train.texts) & set(test.texts)
    assert len(train) + len(test) == 300


def test_padded_cut_and_exact_are_counted_as_the_chapter_does() -> None:
    texts = [["a"] * size for size in (1, 2, 3, 3, 5)]
    cut = reviews.Cut.at(3, texts)
    assert (cut.padded, cut.cut, cut.exact) == (2, 1, 2)
    known = reviews.vocabulary([["b", "a", "a"], ["c"]], least=1)
    assert known == {"a": 2, "b": 3, "c": 4}
    assert reviews.padded([["a", "z", "b", "c"], ["c"]], known, 3).tolist() == [[2, 1, 3], [4, 0, 0]]
    assert reviews.cuts([["a"] * size for size in range(100, 400)]) == (400, 200)
    assert "0" in reviews.LETTERS
    assert reviews.by_letter("A0é") == ["a", "0", "\ufffd"]


def test_vectors_of_others_are_read_with_a_head_and_without(tmp_path: Path) -> None:
    body = "tea 1 2 3\nrain 4 5 6\n"
    for head in ("2 3\n", ""):
        (tmp_path / "v.txt").write_text(head + body)
        table, had = reviews.vectors(tmp_path / "v.txt", {"rain": 2, "snow": 3})
        assert table.tolist() == [[0, 0, 0], [0, 0, 0], [4, 5, 6], [0, 0, 0]]
        assert had == 1
    (tmp_path / "v.txt").write_text("tea 1 2 3\nrain 4 5\n")
    with pytest.raises(ChatbotError, match="line 2: 2 numbers"):
        reviews.vectors(tmp_path / "v.txt", {"rain": 2})
    (tmp_path / "v.txt").write_text("rain 4 5 6\n. . . 1 2 3\n\n")
    assert reviews.vectors(tmp_path / "v.txt", {"rain": 2, ". . .": 3})[1] == 2
    for content in ("Rain 1 2\n", "rain\t1\t2\n", ""):
        (tmp_path / "v.txt").write_text(content)
        with pytest.raises(ChatbotError, match=r"has none of the 1 words|0 numbers"):
            reviews.vectors(tmp_path / "v.txt", {"rain": 2})


def test_the_chapters_net_has_the_chapters_layers() -> None:
    net = classifier.Flat(12, 400)
    assert net.vectors.embedding_dim == 300
    assert net.dropout.p == 0.2
    assert parameters(net.answer) == 400 * 50 + 1
    assert parameters(net.stack) == 70_200 + 200, "torch has two biases where the chapter has one"


def test_the_modern_net_does_not_see_pads() -> None:
    torch.manual_seed(0)
    net = classifier.Modern(20).eval()
    words = torch.tensor([[3, 4, 5, 0, 0], [6, 7, 8, 9, 10]])
    longer = F.pad(words, (0, 7))
    with torch.no_grad():
        assert torch.allclose(net(words), net(longer), atol=1e-6)
        assert torch.allclose(net(words)[:1], net(words[:1, :3]), atol=1e-6)


def test_what_was_learnt_can_be_asked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    good, bad = opinions(200)
    data = as_files(tmp_path, good, bad)
    job = classifier.Job("modern", tuple(data), "word", 12, True, 0, 6, keep=tmp_path / "out")
    learned = classifier.learn(job)
    assert learned.accuracy > 0.95
    argv = ["lab", "sentiment", "--output", str(tmp_path / "out"), "--predict"]
    assert cli.main([*argv, "warm and funny, a joy"]) == 0
    out = capsys.readouterr().out
    assert out.startswith("for, ")
    assert f"held out it had {100 * learned.accuracy:.0f} % right" in out
    assert cli.main([*argv, "你好"]) == 0
    assert "knows none of these words" in capsys.readouterr().out
    assert cli.main([*argv, "a dull waste of time"]) == 0
    assert capsys.readouterr().out.startswith("against, ")
    assert cli.main([*argv, ""]) == 2
    assert "no word in it" in capsys.readouterr().err
    assert cli.main([*argv, "a joy " * 20]) == 0
    assert "it reads 12 words, and not the 28 that follow" in capsys.readouterr().out
    assert cli.main([*argv, "a joy", "--full"]) == 2
    (tmp_path / "out" / "sentiment.words.json").write_text("{}")
    assert cli.main([*argv, "a joy"]) == 2
    assert "no classifier" in capsys.readouterr().err


# ------------------------------------------------------------------------------------------------ the command


def test_alone_it_lists_all(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["lab"]) == 0
    listed = capsys.readouterr().out
    assert all(f"  {name} " in listed for name in EXPERIMENTS)


@pytest.mark.parametrize(
    ("argv", "says"),
    [
        (["memory"], "no such experiment; expected one of retention"),
        (["gates", "--quick", "--full"], "expected one of them"),
        (["gates", "--seed", "99999999999999999999"], "expected a whole number from 0"),
        (["gates", "--output", "/dev/null"], "/dev/null: cannot be written"),
        (["writer", "--minutes", "0"], "expected more than 0"),
        (["writer", "--minutes", "-5"], "expected more than 0"),
        (["gates", "--text", "x"], "--text: lab gates does not take it; writer, memories does"),
        (["sentiment"], "--data: nothing given"),
        (["sentiment", "--data", "a", "b", "c"], "3 paths given"),
        (["writer", "--text", "nowhere.txt"], "nowhere.txt: cannot be read"),
        (["sentiment", "--predict", "good", "--output", "nowhere"], "no classifier"),
    ],
)
def test_a_wrong_use_is_told_in_one_line(argv: list[str], says: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["lab", *argv]) == 2
    errors = capsys.readouterr().err
    assert says in errors
    assert len(errors.splitlines()) == 1


def test_an_experiment_leaves_figures_and_a_picture(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["lab", "gates", "--output", str(tmp_path)]) == 0
    assert "17,550" in capsys.readouterr().out
    report = json.loads((tmp_path / "gates.json").read_text(encoding="utf-8"))
    assert report["figures"]["right"] > 0.95
    assert report["settings"] == {"full": False, "seed": 0}
    assert (tmp_path / "gates.png").read_bytes().startswith(b"\x89PNG")


def test_nothing_in_the_lab_is_a_copy_of_what_it_stands_on() -> None:
    """No six lines in a row, blank ones and comments aside, whatever their names are called."""

    def runs(room: str) -> set[tuple[str, ...]]:
        found = set()
        for file in (ROOT / "chatbot" / room).rglob("*.py"):
            lines = [
                re.sub(r"\b[a-z_]\w*\b", "x", line.split("#")[0].strip()) for line in file.read_text().splitlines()
            ]
            kept = [line for line in lines if line and not line.startswith(("from ", "import ", '"""'))]
            found |= {tuple(kept[k : k + 6]) for k in range(len(kept) - 5)}
        return {six for six in found if len(set(six)) > 1}  # six fields of any dataclass look alike

    own = runs("lab")
    for room in ("model", "data", "training"):
        assert not own & runs(room)
