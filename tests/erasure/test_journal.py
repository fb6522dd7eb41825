"""What a journal says is carried out once, wherever a run died, and never over somebody else's work."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import msgspec
import pytest

from dynamo_assets.erasure.amended import amended
from dynamo_assets.erasure.journal import Journal, Journals
from dynamo_assets.errors import ErasureError, ManifestError
from dynamo_assets.export.manifest import ManifestFile, ManifestStore
from dynamo_assets.naming import Layout
from tests.export.manifests import snapshot_of

LABEL = "2026-11-23T10:00:00"


@pytest.fixture
def s3(aws) -> Any:
    return aws.client("s3")


@pytest.fixture
def journals(s3, bucket: str) -> Journals:
    """Of a table with one snapshot of two files, of which one is to be replaced and one goes."""
    layout = Layout(bucket, "lake")
    files = tuple(ManifestFile(layout.snapshot_prefix("zoo", LABEL) + name, 2, 3, name) for name in ("a", "b"))
    store = ManifestStore(s3, layout)
    store.write(snapshot_of(layout, LABEL, rows=4, bytes=6, files=files))
    for file in files:
        s3.put_object(Bucket=bucket, Key=file.key, Body=b"old")
    return Journals(s3, store, "zoo")


def begin(journals: Journals, s3: Any) -> Journal:
    layout, store = journals.manifests.layout, journals.manifests
    document, etag = store.document("zoo", LABEL)
    a, b = store.read("zoo", LABEL).files
    staged = f"{layout.staged_prefix('zoo', LABEL)}000000"
    s3.put_object(Bucket=layout.bucket, Key=staged, Body=b"new")
    journal = Journal(
        erasure="x", snapshot_timestamp=LABEL, etag=etag, staged={a.key: staged, b.key: None}, rows=3,
        manifest=amended(document, {a.key: replace(a, rows=1, sha256="c"), b.key: None}, {}, "now"),
    )  # fmt: skip
    journals.begin(journal)
    return journals.read(LABEL)


def keys(s3: Any, journals: Journals) -> list[str]:
    listing = s3.list_objects_v2(Bucket=journals.manifests.layout.bucket)
    return [entry["Key"].rpartition("/")[2] for entry in listing["Contents"]]


def test_what_a_journal_says_is_done_once_and_then_nothing_is_left_of_it(journals: Journals, s3) -> None:
    journal = begin(journals, s3)
    assert journals.begun() == [LABEL]
    for _ in range(2):
        assert journals.carry_out(journal, lambda: None)
        manifest = journals.manifests.read("zoo", LABEL)
        assert (manifest.rows, manifest.bytes, len(manifest.files)) == (1, 3, 1)
        answer = s3.get_object(Bucket=journals.manifests.layout.bucket, Key=manifest.files[0].key)
        assert answer["Body"].read() == b"new"
    journals.end(journal)
    assert keys(s3, journals) == [f"{LABEL}.json", "a"]
    assert journals.begun() == []


def test_a_manifest_that_somebody_else_has_changed_is_left_alone(journals: Journals, s3) -> None:
    journal = begin(journals, s3)
    store = journals.manifests
    document, etag = store.document("zoo", LABEL)
    store.replace("zoo", LABEL, document + b" ", etag)
    with pytest.raises(ErasureError, match="neither the one that an erasure began to replace"):
        journals.carry_out(journal, lambda: None)
    with pytest.raises(ManifestError, match="changed by somebody else at this moment"):
        store.replace("zoo", LABEL, document, etag)
    assert store.document("zoo", LABEL)[0] == document + b" "
    store.replace("zoo", LABEL, document + b" ", etag)  # as boto3 repeats a request whose answer was lost


def test_of_a_snapshot_that_is_gone_only_the_journal_goes(journals: Journals, s3) -> None:
    journal = begin(journals, s3)
    layout = journals.manifests.layout
    s3.delete_object(Bucket=layout.bucket, Key=layout.manifest_key("zoo", LABEL))
    assert not journals.carry_out(journal, lambda: None)
    journals.end(journal)
    assert keys(s3, journals) == ["a", "b"]


def test_what_was_staged_without_a_journal_goes_and_all_else_stays(journals: Journals, s3) -> None:
    begin(journals, s3)
    layout = journals.manifests.layout
    s3.put_object(Bucket=layout.bucket, Key=layout.staged_prefix("zoo", "2026-11-22T10:00:00") + "left", Body=b"x")
    s3.put_object(Bucket=layout.bucket, Key=layout.staged_prefix("zoo_2", LABEL) + "another", Body=b"x")
    journals.tidy()
    assert "left" not in keys(s3, journals)
    assert {"000000", "another"} <= set(keys(s3, journals))


def test_a_journal_of_another_version_is_an_error(journals: Journals, s3) -> None:
    journals.begin(msgspec.structs.replace(begin(journals, s3), version=2))
    with pytest.raises(ErasureError, match="no journal of this version"):
        journals.read(LABEL)
