import re
import subprocess
import sys
from collections import Counter
from html.parser import HTMLParser
from time import perf_counter

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from data_prep import plots
from data_prep.corpus import Leak
from data_prep.report import Report
from data_prep.report_html import marked, to_html
from data_prep.shape import Shape
from data_prep.tally import Tally, shorten
from data_prep.text import printable

VOID = {"meta", "br"}
HOSTILE = "</td><script src=http://x.example>alert('1')</script>\x1b[2J\u202egpj.\x00\"' onload=\"x\" & \ud83d"
JUDGES = list(Report().as_dict()["judges"])
counters = st.dictionaries(st.integers(0, 10**6), st.integers(1, 10**6), min_size=1, max_size=60).map(Counter)


class Page(HTMLParser):
    """A page, read strictly: each tag is closed by its own, in order."""

    def __init__(self, html):
        super().__init__()
        self.open, self.tags, self.attributes, self.text, self.headings = [], Counter(), [], [], []
        self.feed(html)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.handle_startendtag(tag, attrs)
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags[tag] += 1
        self.attributes += attrs

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open[-1:] != ["style"]:
            self.text.append(data)
        if self.open[-1:] == ["h3"]:
            self.headings.append(data)

    def values(self, name):
        return [value for attribute, value in self.attributes if attribute == name]


def books(repairs=30, text="Well  &amp; good, my friend, and so on", after="Well & good, my friend, and so on"):
    tally = Tally(tuple(f"repair {k}" for k in range(repairs)))
    for k in range(repairs):
        tally[f"repair {k}"].seen = 9000
        for place in range(k % 4):
            tally[f"repair {k}"].add(place, f"{text} {place}", f"{after} {place}")
    for reason in JUDGES[::2]:
        tally[reason].seen = 800
        tally[reason].add(1, text, after)
    dropped = dict.fromkeys(JUDGES[::2], 1)
    splits = {"train": 700, "valid": 0, "test": 30}
    return Report({"transcript": 2}, 100, 9000, tally=tally, seen=730 + len(dropped), splits=splits, dropped=dropped)


def shape(text="well and good"):
    replies = Counter({f"{text} {k}": 90 - k for k in range(60)})
    words = Counter({k: 1000 // k for k in range(1, 200)})
    return Shape(Counter({2: 50, 9: 20}), words, words, replies, Counter(dict.fromkeys(replies, 5)))


def test_a_page_is_whole_small_and_quick():
    start = perf_counter()
    html = to_html(books(repairs=30, text="x y " * 60, after="z y " * 60), shape("word " * 60))
    assert perf_counter() - start < 10
    page = Page(html)
    assert len(html.encode()) < 400_000
    assert html.startswith("<!DOCTYPE html>\n<html lang=")
    assert page.tags["svg"] == page.tags["figure"] == page.tags["figcaption"] == 4
    assert len(page.values("aria-label")) == 4
    assert page.values("role") == ["img"] * 4
    assert {"col", "row"} == set(page.values("scope"))


def test_nothing_is_loaded_and_nothing_runs():
    html = to_html(books(), shape())
    page = Page(html)
    names = {name for name, _ in page.attributes}
    assert not names & {"src", "srcset", "action", "data", "xlink:href", "xmlns"}
    assert not [name for name in names if name.startswith("on")]
    assert not page.tags.keys() & {"script", "link", "img", "iframe", "object", "image", "use", "base"}
    assert "default-src 'none'; style-src 'unsafe-inline'" in page.values("content")
    assert not re.search(r"https?:|url\(|@import|//", html)
    anchors = set(page.values("id"))
    assert len(anchors) == len(page.values("id"))
    assert {value.removeprefix("#") for value in page.values("href")} == anchors


def test_text_of_the_corpus_stays_text():
    report = books(text=HOSTILE, after=f"{HOSTILE} after")
    report.formats = {HOSTILE: 1}
    report.warnings = [HOSTILE]
    report.notes.counts[HOSTILE] = 3
    report.notes.passed_over[HOSTILE] = HOSTILE
    report.notes.warnings.append(HOSTILE)
    report.tally[HOSTILE].add(1, HOSTILE, "")
    report.leaks = {2: Leak(1, 2, 3, 4, (HOSTILE,) * 500)}
    html = to_html(report, shape(HOSTILE))
    page = Page(html)
    assert page.tags == Page(to_html(report, shape(HOSTILE))).tags
    assert "script" not in page.tags
    assert "onload" not in {name for name, _ in page.attributes}
    assert not page.values("src")
    assert printable(html.replace("\n", "")) == html.replace("\n", "")
    assert html.encode("utf-8")
    assert html.count("&lt;script src=http://x.example&gt;") > 50


def test_same_input_same_bytes_also_in_another_process_and_under_another_style():
    code = (
        "import sys, matplotlib; matplotlib.rcParams['font.size'] = 30; matplotlib.rcParams['axes.grid'] = True\n"
        "from collections import Counter; from data_prep.plots import histogram, bars\n"
        "sys.stdout.buffer.write((histogram(Counter({1: 2, 4: 3}), 't') + bars({'a': 1}, 2, 't')).encode())\n"
        "assert matplotlib.rcParams['font.size'] == 30 and 'matplotlib.pyplot' not in sys.modules"
    )
    elsewhere = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout.decode()
    assert elsewhere == plots.histogram(Counter({4: 3, 1: 2}), "t") + plots.bars({"a": 1}, 2, "t")
    assert to_html(books(), shape()) == to_html(books(), Shape.from_json(shape().to_json()))


def test_every_rule_that_acted_has_its_section_in_the_order_of_the_books():
    report = books()
    acted = [name for name, count in report.tally.counts.items() if count.acted]
    page = Page(to_html(report, shape()))
    assert page.headings == acted
    text = "".join(page.text)
    assert "3 changed of 9,000 turns" in text
    assert "1 dropped of 800 pairs" in text
    assert all(name in text for name in (*report.as_dict()["repairs"], *JUDGES))


def test_an_empty_report_says_so():
    page = Page(to_html(Report(), Shape()))
    assert "svg" not in page.tags
    assert page.text.count("Nothing.") == 6
    assert not page.headings


def test_pairs_that_were_all_dropped():
    reason = JUDGES[0]
    report = Report(seen=3, dropped={reason: 3}, splits={"train": 0, "valid": 0, "test": 0})
    page = Page(to_html(report, Shape(turns=Counter({2: 3}), replies_seen=Counter({"ok": 3}))))
    assert page.tags["svg"] == 2
    assert any(f"{reason}: 3 (100.0%)" in label for label in page.values("aria-label"))


def test_frequent_replies_before_and_after():
    seen, kept = Counter({"ok": 400, "yes": 30, "no": 30}), Counter({"ok": 50, "yes": 2})
    text = "|".join(Page(to_html(Report(), Shape(replies_seen=seen, replies_kept=kept))).text)
    assert "ok|400|50|no|30|0|yes|30|2" in text


def test_warnings_and_what_was_left_out():
    report = Report(warnings=["too few"])
    report.notes.warnings += ["too few", "day or month?"]
    report.notes.counts["messages of the system"] = 1234
    report.notes.passed_over |= {f"{k}.bin": "not text" for k in range(300)}
    text = "|".join(Page(to_html(report, Shape())).text)
    assert "Warnings|too few|day or month?|" in text
    assert "1,234 messages of the system" in text
    assert "199.bin|not text" in text
    assert "200.bin" not in text
    assert "And 100 more" in text


def test_what_of_given_splits_stands_in_training():
    report = Report(leaks={1: Leak(0, 40, 0, 300, ()), 2: Leak(201, 1000, 1234, 5678, ("d7",) * 201)})
    text = "|".join(Page(to_html(report, Shape())).text)
    assert "valid|0 of 40|0 of 300|none|test|201 of 1,000|1,234 of 5,678|d7|" in text
    assert text.count("d7") == 200
    assert "|and 1 more|" in text


@given(st.text(max_size=200), st.text(max_size=200))
@example("a\u200bb", "ab")
@example("&lt;3", "<3")
@example("e\u0301", "\u00e9")
def test_marks_lose_nothing(before, after):
    for tag, text, html in zip(("del", "ins"), (before, after), marked(before, after), strict=True):
        page = Page(html)
        assert set(page.tags) <= {tag}
        assert printable(html) == html
        shown = re.sub("⟨U\\+([0-9A-F]{4,6})⟩", lambda m: printable(chr(int(m[1], 16))), "".join(page.text))
        assert shown == (printable(text) or "(empty)")


@pytest.mark.parametrize(
    ("before", "after", "shown"),
    [
        ("Stop  it", "Stop it", ("Stop <del> </del>it", "Stop it")),
        ("a\u200bb", "ab", ("a<del>⟨U+200B⟩</del>b", "ab")),
        ("so\u0301\u0302\u0303", "so\u0301", ("so\u0301<del>⟨U+0302⟩⟨U+0303⟩</del>", "so\u0301")),
        ("[gone]", "", ("<del>[gone]</del>", "(empty)")),
        ("abcdef", "uvwxyf", ("<del>abcdef</del>", "<ins>uvwxyf</ins>")),
    ],
)
def test_marks(before, after, shown):
    assert marked(before, after) == shown


def test_where_a_long_text_was_cut_is_no_change():
    text = "".join(f"{k} " for k in range(200))
    before, after = marked(shorten(f"&amp; {text}"), shorten(f"& {text}"))
    assert (before.count("<del>"), after.count("<ins>")) == (1, 0)


def test_a_change_beyond_the_cut_is_told():
    report = Report(tally=Tally(("long",)))
    report.tally["long"].add(1, "x" * 300, "x" * 301)
    assert "The change lies further on in this long text." in "".join(Page(to_html(report, Shape())).text)


@given(counters)
@example(Counter({5: 1}))
@example(Counter({0: 99, 10**6: 1}))
def test_bins_hold_everything_once(counts):
    found = plots.bins(counts)
    assert sum(each.count for each in found) == counts.total()
    assert len(found) <= 31
    assert [each.first for each in found[1:]] == [each.last + 1 for each in found[:-1]]
    clip = plots.at_share(counts, 0.99)
    assert sum(counts[value] for value in counts if value <= clip) >= 0.99 * counts.total()
    assert found[-1].last is None or found[-1].last >= max(counts)


@given(counters, counters, counters)
def test_shapes_merged_and_carried_as_text(one, two, three):
    whole = Shape(one + three, two, one, Counter({"a": 1, "b": 3}), Counter({"\ud83d": 2}))
    merged = Shape(three, replies_seen=Counter({"b": 3}))
    merged.merge(Shape(one, two, one, Counter({"a": 1}), Counter({"\ud83d": 2})))
    assert merged == whole
    assert merged.to_json() == whole.to_json()
    assert Shape.from_json(whole.to_json()) == whole
