"""One's own chats: only my turns become replies, and with names hidden nothing of them is written anywhere."""

import json

import pyarrow.parquet as pq
import pytest

from data_prep.config import PrepareConfig
from data_prep.errors import PrepareError
from data_prep.pipeline import prepare
from data_prep.preview import preview, show
from data_prep.vocabulary import VocabularyConfig

SECRETS = (
    "José",
    "654 32",
    "Marlene",
    "Okafor",
    "Tobias",
    "Quentin",
    "5550123",
    "okafor.example",
    "DE89",
    "Zweigstein",
)


@pytest.fixture
def chat(tmp_path):
    lines = ["1/5/23, 8:00\u202fAM - Messages and calls are end-to-end encrypted. Tap to learn more."]
    for number in range(60):
        day, at = f"1/{5 + number % 20}/23", f"{number % 60:02d}\u202fAM"
        lines += [
            f"{day}, 9:{at} - Marlene Okafor: hey tobias, did you see number {number} of Quentin?",
            f"{day}, 9:{at} - Tobias L: yes Marlene, call +49 170 5550123 or me@okafor.example #{number}",
            f"{day}, 10:{at} - Marlene Okafor: &quot;MARLENE&quot; pays to DE89 3704 0044 0532 0130 00",
            f"{day}, 10:{at} - Tobias L: https://okafor.example/party{number} ?? {'x' * 400}",
        ]
    lines += [
        "1/26/23, 9:00\u202fAM - Zweigstein: Jos&eacute; and An<b></b>n, ask me&#64;okafor.example",
        "1/26/23, 9:01\u202fAM - José: call me under 0171",
        "1/26/23, 9:01\u202fAM - José: 7654",
        "1/26/23, 9:01\u202fAM - José: 321, please",
    ]
    path = tmp_path / "WhatsApp Chat with Marlene Okafor.txt"
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


def everything(folder):
    """What the files of a folder say, names of files included, in small letters."""
    texts = []
    for file in sorted(folder.rglob("*")):
        texts.append(str(file.relative_to(folder)))
        if file.is_file():
            texts.append(file.read_bytes().decode("latin-1"))
        if file.suffix == ".parquet":
            texts.append(json.dumps(pq.read_table(file).to_pylist(), ensure_ascii=False, default=str))
    return "\n".join(texts).lower()


def config(tmp_path, **more):
    (tmp_path / "names.txt").write_text("Quentin\nZweigstein\n", encoding="utf-8")
    names = str(tmp_path / "names.txt")
    return PrepareConfig(anonymise=True, names=names, workers=1, vocabulary=VocabularyConfig(size=400), **more)


@pytest.mark.parametrize("more", [{}, {"me": "Tobias L"}, {"stop_after": "read"}])
def test_no_name_and_no_number_is_written(tmp_path, chat, more):
    (tmp_path / "Okafor notes.md").write_text("not talk\n", encoding="utf-8")
    prepare([chat, tmp_path / "Okafor notes.md"], tmp_path / "out", config(tmp_path, **more))
    written = everything(tmp_path / "out")
    assert "[name]" in written or more
    assert [secret for secret in SECRETS if secret.lower() in written] == []


def test_the_same_secrets_are_there_without(tmp_path, chat):
    prepare([chat], tmp_path / "out", PrepareConfig(workers=1, stop_after="pairs"))
    written = everything(tmp_path / "out")
    assert [
        secret for secret in SECRETS if secret.lower() not in written and secret not in ("DE89", "José", "Zweigstein")
    ] == []


def test_the_preview_hides_them_too(tmp_path, chat, capsys):
    show(*preview([chat], config(tmp_path)))
    shown = capsys.readouterr().out.lower()
    assert "speaker 1" in shown
    assert [secret for secret in SECRETS if secret.lower() in shown] == []


def test_only_my_turns_become_replies(tmp_path, chat):
    prepare([chat], tmp_path / "out", PrepareConfig(me="Marlene Okafor", workers=1, stop_after="pairs"))
    replies = [
        row["reply"]
        for name in ("train", "valid", "test", "dropped")
        for row in pq.read_table(tmp_path / "out" / name).to_pylist()
    ]
    assert len(replies) > 50
    assert all("MARLENE" in reply or "did you see" in reply for reply in replies)


def test_names_without_anonymise_is_refused(tmp_path):
    with pytest.raises(PrepareError, match="--names is given without --anonymise"):
        PrepareConfig(names="names.txt")


def turns(folder):
    return [row["text"] for row in pq.read_table(folder / "turns.parquet").to_pylist()]


def hidden_turns(tmp_path, name, content):
    (tmp_path / name).write_text(content, encoding="utf-8")
    prepare([tmp_path / name], tmp_path / "out", PrepareConfig(anonymise=True, workers=1, stop_after="read"))
    return turns(tmp_path / "out")


def test_a_name_behind_html_is_hidden_in_the_turns_too(tmp_path):
    texts = ["ask Z&eacute;lda", "or &#90;elda", "Ze<b></b>lda &lt;3", "1 &lt; 2 &amp; so on"]
    said = "".join(f"{'Zélda' if k % 2 else 'Ann'}: {text}\n" for k, text in enumerate(texts))
    assert hidden_turns(tmp_path, "talk.txt", said) == ["ask [name]", "or [name]", "[name] <3", "1 &lt; 2 &amp; so on"]


IRC = """--- Log opened Sun Dec 31 23:50:00 2023
23:50 <ann> hello there
23:51 < bo> hi
23:52 -!- ann is now known as quasimodo
23:53 <quasimodo> new nick
23:53 -!- cy is now known as tea_lover
23:54 < bo> quasimodo is a great nick, Quasimodo. tea_lover never spoke
"""


def test_every_nick_of_somebody_who_spoke_is_hidden(tmp_path, capsys):
    assert hidden_turns(tmp_path, "tea.log", IRC)[-1] == "[name] is a great nick, [name]. tea_lover never spoke"
    show(*preview([tmp_path / "tea.log"], PrepareConfig(anonymise=True)))
    assert "quasimodo" not in capsys.readouterr().out.lower()


def test_both_names_of_an_account_are_hidden(tmp_path):
    authors = [
        {"id": str(k), "name": name, "nickname": nick} for k, name, nick in ((1, "zelda90", "Ann"), (2, "b", "Bo"))
    ]
    messages = [
        {
            "id": str(k),
            "type": "Default",
            "timestamp": f"2023-01-05T14:0{k}:00Z",
            "content": text,
            "author": authors[k % 2],
        }
        for k, text in enumerate(("zelda90 was here", "so was Annabel, Bo", "Bo too"))
    ]
    messages[2]["author"] = {"id": "1", "name": "zelda90", "nickname": "Annabel"}
    texts = hidden_turns(tmp_path, "general.json", json.dumps({"messages": messages}))
    assert texts == ["[name] was here", "so was [name], [name]", "[name] too"]
