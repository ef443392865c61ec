from __future__ import annotations

import bz2
import gzip
import io
import lzma
import tarfile
import zipfile
from pathlib import Path

import pyarrow as pa
import pytest

from include.data.json_files import as_lines
from include.data.packed import packed_as, read_bytes
from include.errors import PermanentError

TEXT = b"a,b\n1,2\n"


def zipped(**files: bytes) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        for name, content in files.items():
            archive.writestr(name.replace("__", "."), content)
    return target.getvalue()


def tarred(mode: str) -> bytes:
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode=mode) as archive:  # type: ignore[call-overload]
        info = tarfile.TarInfo("a.csv")
        info.size = len(TEXT)
        archive.addfile(info, io.BytesIO(TEXT))
    return target.getvalue()


PACKED = {
    "a.csv": TEXT,
    "a.csv.gz": gzip.compress(TEXT),
    "a.csv.bz2": bz2.compress(TEXT),
    "a.csv.xz": lzma.compress(TEXT),
    "a.csv.zst": pa.Codec("zstd").compress(TEXT, asbytes=True),
    "A.CSV.ZIP": zipped(a__csv=TEXT),
    "a.tar": tarred("w"),
    "a.tgz": tarred("w:gz"),
}


@pytest.mark.parametrize("name", PACKED)
def test_a_packed_file_is_read_as_what_it_holds(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(PACKED[name])
    assert read_bytes(str(tmp_path / name)) == TEXT
    assert packed_as(PACKED[name]) in (None, f".{name.lower().rpartition('.')[2]}", ".gz")


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("two.zip", zipped(a__csv=TEXT, b__csv=TEXT), r"this one has 2 \(a\.csv, b\.csv\)"),
        ("none.zip", zipped(), r"this one has 0"),
        ("book.zip", zipped(a__xlsx=b"x"), r"a\.xlsx is a workbook; save its sheet as CSV"),
        ("sales.csv", zipped(**{"[Content_Types]__xml": b""}), r"is a workbook; save its sheet as CSV"),
    ],
)
def test_what_holds_no_one_table_is_named_with_the_way_on(name: str, content: bytes, said: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(PermanentError, match=said):
        read_bytes(str(tmp_path / name))


def test_an_array_of_objects_is_read_as_lines() -> None:
    assert as_lines(b' [{"a": 1.0, "b": "\xc3\xa4"},\n {"a": 123456789012345678}]').decode().split("\n") == [
        '{"a": 1.0, "b": "ä"}',
        '{"a": 123456789012345678}',
    ]
    assert as_lines(b"[]") == b"" and as_lines(b'{"a": 1}\n{"a": 2}\n').count(b"\n") == 2


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b'{\n"rows": [{"a": 1}], "n": 1}', "its key 'rows' holds one"),
        (b"[1, 2]", "no array of objects"),
        (b"[{", "Expecting"),
    ],
)
def test_other_json_is_named_with_the_way_on(content: bytes, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        as_lines(content)
