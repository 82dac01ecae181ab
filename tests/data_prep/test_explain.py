from data_prep.config import PrepareConfig
from data_prep.explain import explain, explain_pair
from data_prep.rules import JUDGES, Limits


def test_each_rule_that_acts_has_its_line_and_the_last_is_the_result():
    lines = list(explain("&quot;caf\xc3\xa9&quot;  ?"))
    assert [line.split(":")[0] for line in lines[1:-3]] == [
        "HTML entities",
        "broken encoding",
        "white space",
        "spaces at marks",
    ]
    assert lines[-3] == 'result: "café"?'


def test_what_is_clean_is_said_to_be():
    assert "no rule changes it" in list(explain("Hello."))


def test_a_terminal_is_not_obeyed():
    assert all("\x1b" not in line for line in explain("\x1b[31mred"))


def test_each_judge_speaks_and_the_first_that_rejects_decides(tmp_path):
    lines = list(explain_pair("What ?", "[deleted]", PrepareConfig()))
    assert lines[0] == "context: What? (by spaces at marks)"
    assert len(lines) == 2 + len(JUDGES) + 1
    assert lines[-1] == "verdict: dropped, placeholder"
    assert list(explain_pair("What?", "Tea.", PrepareConfig()))[-1].startswith("verdict: kept")
    short = PrepareConfig(limits=Limits(max_words=2))
    assert list(explain_pair("What?", "Tea, please.", short))[-1] == "verdict: dropped, reply too long"
    (tmp_path / "list.txt").write_text("tea\n", encoding="utf-8")
    banned = PrepareConfig(banned=str(tmp_path / "list.txt"))
    assert list(explain_pair("What?", "TEA!", banned))[-1] == "verdict: dropped, banned words"


def test_names_are_hidden_where_that_was_asked_for(tmp_path):
    (tmp_path / "names.txt").write_text("Marlene\n", encoding="utf-8")
    config = PrepareConfig(anonymise=True, names=str(tmp_path / "names.txt"))
    lines = list(explain("Call  Marlene, 555-0199", config))
    assert "result: Call [name], [phone]" in lines
    assert any(line.startswith("anonymised: Call [name], [phone] (no input is read") for line in lines)
    pair = list(explain_pair("Is  Marlene here?", "Marlene left.", config))
    assert "reply: [name] left." in pair
    assert "context: Is [name] here? (by white space)" in pair
