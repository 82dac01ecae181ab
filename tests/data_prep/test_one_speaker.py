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
