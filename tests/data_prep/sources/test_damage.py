"""What is packed may be damaged half-way through: one line then names the archive and the member, whatever reads it."""

import gzip
import io
import json
import random
import zipfile

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from data_prep.config import PrepareConfig
from data_prep.errors import PrepareError
from data_prep.pipeline import prepare

WORDS = ["tea", "rain", "walk", "song", "film", "soup", "cake", "book", "train", "house", "river", "letter"]
READ = PrepareConfig(stop_after="read", workers=1)


def turns(seed=1, number=6000):
    draw = random.Random(seed)
    return [" ".join(draw.choices(WORDS, k=8)).capitalize() + "." for _ in range(number)]


def jsonl():
    said = turns()
    return "\n".join(json.dumps({"turns": said[k : k + 4]}) for k in range(0, len(said), 4)).encode()


def telegram():
    messages = [
        {"id": k, "type": "message", "date_unixtime": str(k), "from": "AB"[k % 2], "from_id": f"u{k % 2}", "text": text}
        for k, text in enumerate(turns())
    ]
    return json.dumps({"name": "x", "type": "personal_chat", "id": 1, "messages": messages}).encode()


def transcript():
    return "\n".join(f"{('Ann', 'Bo')[k % 2]}: {text}" for k, text in enumerate(turns())).encode()


def csv():
    return "\n".join(
        ["dialogue_id,speaker,text", *(f"{k // 4},{'AB'[k % 2]},{t}" for k, t in enumerate(turns()))]
    ).encode()


def parquet():
    sink = io.BytesIO()
    pq.write_table(pa.table({"speaker": ["A", "B"] * 3000, "text": turns()}), sink, compression="none")
    return sink.getvalue()


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
@pytest.mark.parametrize("member", [jsonl, telegram, transcript, csv, parquet])
@pytest.mark.parametrize("place", [0.02, 0.5, 0.97])
def test_a_damaged_member_is_named_with_its_zip(tmp_path, method, member, place):
    name = f"talk.{member.__name__}"
    with zipfile.ZipFile(tmp_path / "in.zip", "w", method) as archive:
        archive.writestr(name, member())
        size = archive.infolist()[0].compress_size
        start = 30 + len(name)
    data = bytearray((tmp_path / "in.zip").read_bytes())
    at = start + int(size * place)
    data[at : at + 9] = bytes(byte ^ 0x5A for byte in data[at : at + 9])
    (tmp_path / "in.zip").write_bytes(data)
    with pytest.raises(PrepareError) as told:
        prepare([tmp_path / "in.zip"], tmp_path / "out", READ)
    assert f"in.zip/{name}" in str(told.value)
    assert "\n" not in str(told.value)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("cut", [0.5, 0.999])
def test_a_gz_that_was_cut_is_named(tmp_path, cut):
    packed = gzip.compress(jsonl())
    (tmp_path / "talk.jsonl.gz").write_bytes(packed[: int(len(packed) * cut)])
    with pytest.raises(PrepareError, match=r"talk\.jsonl\.gz: cannot be read"):
        prepare([tmp_path / "talk.jsonl.gz"], tmp_path / "out", READ)


def test_a_zip_whose_list_of_members_is_damaged_is_named(tmp_path):
    with zipfile.ZipFile(tmp_path / "in.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("talk.txt", transcript())
    whole = (tmp_path / "in.zip").read_bytes()
    begins = whole.rindex(b"PK\1\2")
    for at in range(begins, len(whole)):
        data = bytearray(whole)
        data[at] ^= 0xFF
        (tmp_path / "in.zip").write_bytes(data)
        try:
            prepare([tmp_path / "in.zip"], tmp_path / "out", READ)
        except PrepareError as error:
            assert "in.zip" in str(error)  # noqa: PT017
