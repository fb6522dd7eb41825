"""What is said of a snapshot's files before a raw table shows them, and how much S3 is asked for it."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from dynamo_assets.export.manifest import Manifest, ManifestFile, ManifestStore
from dynamo_assets.naming import Layout
from dynamo_assets.sandbox.endpoint import Endpoint
from dynamo_assets.verification.folders import Folders
from tests.conftest import own_client
from tests.export.manifests import snapshot_of

LABELS = [f"2026-11-23T10:00:0{second}" for second in range(6)]


def parquet(rows: int) -> bytes:
    buffer = io.BytesIO()
    pq.write_table(pa.table({"id": [str(n) for n in range(rows)]}), buffer)
    return buffer.getvalue()


@dataclass
class Snapshots:
    """Complete snapshots of one table, and what S3 was asked since the last look."""

    manifests: ManifestStore
    s3: Any
    asked: list[str] = field(default_factory=list)

    @property
    def folders(self) -> Folders:
        return Folders(self.s3, self.manifests, "zoo")

    def put(self, label: str, name: str, body: bytes) -> str:
        key = self.manifests.layout.snapshot_prefix("zoo", label) + name
        self.s3.put_object(Bucket=self.manifests.layout.bucket, Key=key, Body=body)
        return key

    def complete(self, label: str, format: Any = "parquet", rows: int = 2, files: int = 2) -> Manifest:
        body = parquet(rows) if format == "parquet" else b"{}\n" * rows
        listed = tuple(
            ManifestFile(self.put(label, f"part-{n}.{format}", body), rows, len(body), "") for n in range(files)
        )
        manifest = snapshot_of(self.manifests.layout, label, format, files=listed, rows=rows * files)
        self.manifests.write(manifest)
        self.asked.clear()
        return manifest

    def damaged(self, *labels: str, **options: Any) -> dict[str, str]:
        return self.folders.of(labels or LABELS[:1], LABELS, **options)[1]


@pytest.fixture
def snapshots(aws: Endpoint, bucket: str) -> Snapshots:
    s3 = own_client(aws, "s3")
    found = Snapshots(ManifestStore(s3, Layout(bucket)), s3)
    s3.meta.events.register("before-call.s3", lambda model, **_: found.asked.append(model.name))
    return found


def test_sound_snapshots_are_given_with_the_oldest_first(snapshots: Snapshots) -> None:
    for label in reversed(LABELS[:3]):
        snapshots.complete(label)
    sound, damaged = snapshots.folders.of(LABELS[:3], LABELS[:3])
    assert [manifest.snapshot_timestamp for manifest in sound] == LABELS[:3]
    assert damaged == {}


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (lambda s, key: s.put(LABELS[0], "part-1.parquet", parquet(2)[:-1]), r"part-1\.parquet: [\d,]+ bytes, the man"),
        (lambda s, key: s.put(LABELS[0], "part-1.parquet", b""), r"part-1\.parquet: 0 bytes, the manifest says"),
        (lambda s, key: s.s3.delete_object(Bucket=s.manifests.layout.bucket, Key=key), r"part-1\..*it does not exist"),
        (lambda s, key: s.put(LABELS[0], "part-9.parquet", parquet(1)), r"part-9\.parquet: .* Athena would read it"),
        (lambda s, key: s.put(LABELS[0], "deep/part-9.parquet", parquet(1)), r"deep/part-9\.parquet: the manifest do"),
    ],
    ids=["cut short", "emptied", "missing", "strange", "strange below"],
)
def test_a_folder_that_is_not_as_its_manifest_says_is_told_by_the_file(
    snapshots: Snapshots, change: Callable[[Snapshots, str], Any], problem: str
) -> None:
    snapshots.complete(LABELS[1])
    change(snapshots, snapshots.complete(LABELS[0]).files[1].key)
    sound, damaged = snapshots.folders.of(LABELS[:2], LABELS[:2])
    assert [manifest.snapshot_timestamp for manifest in sound] == LABELS[1:2]
    assert damaged.keys() == {LABELS[0]}
    assert re.search(problem, damaged[LABELS[0]])


def test_what_athena_does_not_read_is_no_problem(snapshots: Snapshots) -> None:
    snapshots.complete(LABELS[0])
    for name, body in (("_SUCCESS", b"x"), (".crc", b"x"), ("_temporary/f.parquet", b"x"), ("", b"")):
        snapshots.put(LABELS[0], name, body)
    assert snapshots.damaged() == {}


def test_rows_are_counted_where_a_footer_tells_them_unless_they_were(snapshots: Snapshots) -> None:
    manifest = snapshots.complete(LABELS[0], rows=3)
    layout = snapshots.manifests.layout
    wrong = replace(manifest, files=tuple(replace(file, rows=2) for file in manifest.files))
    snapshots.s3.put_object(Bucket=layout.bucket, Key=layout.manifest_key("zoo", LABELS[0]), Body=wrong.to_json())
    assert "3 rows, the manifest says 2" in snapshots.damaged()[LABELS[0]]
    assert snapshots.damaged(counts=lambda _: False) == {}


def test_a_file_without_a_footer_is_told_by_its_size_alone(snapshots: Snapshots) -> None:
    snapshots.complete(LABELS[0], "json")
    assert snapshots.damaged() == {}
    assert sorted(snapshots.asked) == ["GetObject", "ListObjectsV2"]


def test_an_unreadable_manifest_is_told_and_holds_nothing_up(snapshots: Snapshots) -> None:
    snapshots.complete(LABELS[0])
    layout = snapshots.manifests.layout
    snapshots.s3.put_object(Bucket=layout.bucket, Key=layout.manifest_key("zoo", LABELS[1]), Body=b"{")
    sound, damaged = snapshots.folders.of(LABELS[:2], LABELS[:2])
    assert [manifest.snapshot_timestamp for manifest in sound] == LABELS[:1]
    assert "not a manifest" in damaged[LABELS[1]]


def test_neighbours_share_a_listing_and_folders_between_others_are_not_listed(snapshots: Snapshots) -> None:
    for label in LABELS:
        snapshots.complete(label, "json", files=1)
    for labels, listings in ((LABELS, 1), (LABELS[:2], 1), ([LABELS[0], LABELS[-1]], 2)):
        assert snapshots.damaged(*labels) == {}
        assert snapshots.asked.count("ListObjectsV2") == listings
        snapshots.asked.clear()
