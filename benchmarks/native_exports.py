"""A data set as DynamoDB's own exports to S3: its data files generated once, laid into a bucket wherever it is asked.

native/AWSDynamoDB/<ExportId>/data/<name>.json.gz                  {"Item":{...}} in each line
native/AWSDynamoDB/<ExportId>/manifest-files.json, .md5            a data file in each line
native/AWSDynamoDB/<ExportId>/manifest-summary.json, .md5
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import shutil
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec

from benchmarks.pages import CACHE, Pages, generate
from benchmarks.tables import TABLES, Table

FILES = 4
"""DynamoDB writes at least one for each of the table's partitions."""
# zlib's own default, and that of Java's GZIPOutputStream; AWS does not say which one DynamoDB takes.
GZIP_LEVEL = 6


class _Page(msgspec.Struct):
    Items: list[msgspec.Raw]


_PAGE = msgspec.json.Decoder(_Page)


def generate_export(name: str, cache: Path = CACHE, table: Table | None = None) -> Path:
    """The folder of a data set with its pages, and the data files of its native export beside them.

    Args:
        name: As of `generate`.
        cache: As of `generate`.
        table: As of `generate`.
    """
    pages_folder = generate(name, cache, table)
    folder, index = _folder(pages_folder), _index(pages_folder)
    version = hashlib.sha256(Path(__file__).read_bytes() + (pages_folder / "pages.json").read_bytes()).hexdigest()[:12]
    if index.exists() and json.loads(index.read_text())["version"] == version:
        return pages_folder
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    shares: list[list[bytes]] = [[] for _ in range(FILES)]
    for item in _items(Pages(pages_folder), (table or TABLES[name]).items):
        # As DynamoDB spreads items over partitions: by a hash, so that no two files have the same number.
        shares[zlib.crc32(item) % FILES].append(b'{"Item":' + item + b"}\n")
    for number, share in enumerate(shares):
        (folder / f"{number}.json.gz").write_bytes(gzip.compress(b"".join(share), GZIP_LEVEL, mtime=0))
    # Written last: a folder without it is one whose generation was interrupted.
    index.write_text(json.dumps({"version": version, "items": [len(share) for share in shares]}))
    return pages_folder


def _items(pages: Pages, count: int) -> Iterator[bytes]:
    position: int | None = None
    while found := pages.at(count, position, 0, 1):
        yield from map(bytes, _PAGE.decode(bytes(pages.body(found.page)) + b"}").Items)
        if (position := found.next) is None:
            return


def _folder(pages_folder: Path) -> Path:
    return pages_folder / "native"


def _index(pages_folder: Path) -> Path:
    return _folder(pages_folder) / "index.json"


@dataclass(frozen=True)
class NativeExport:
    """One full export.

    Attributes:
        label: The instant that it is of, as a snapshot's label.
    """

    label: str

    @property
    def summary_key(self) -> str:
        """The key of its summary manifest."""
        return f"{self._root}/manifest-summary.json"

    @property
    def _id(self) -> str:
        return f"0{zlib.crc32(self.label.encode()):013d}-{zlib.crc32(self.label.encode()):08x}"

    @property
    def _root(self) -> str:
        return f"native/AWSDynamoDB/{self._id}"

    def objects(self, pages_folder: Path, table: str, bucket: str) -> Iterator[tuple[str, bytes]]:
        """Keys and contents of all of its objects.

        Args:
            pages_folder: From `generate_export`.
            table: The table's name.
            bucket: Where they go.
        """
        counts: list[int] = json.loads(_index(pages_folder).read_text())["items"]
        entries = []
        for number, count in enumerate(counts):
            content = (_folder(pages_folder) / f"{number}.json.gz").read_bytes()
            digest = hashlib.md5(content, usedforsecurity=False)
            # Names like AWS's: 26 characters of lower-case base32.
            name = base64.b32encode(digest.digest()).decode().rstrip("=").lower()
            key = f"{self._root}/data/{name}.json.gz"
            entries.append(
                {
                    "itemCount": count,
                    "md5Checksum": base64.b64encode(digest.digest()).decode(),
                    "etag": digest.hexdigest(),
                    "dataFileS3Key": key,
                }
            )
            yield key, content
        lines = "".join(json.dumps(entry) + "\n" for entry in entries)
        yield from self._manifest("manifest-files", lines)
        arn = f"arn:aws:dynamodb:us-east-1:123456789012:table/{table}"
        instant = f"{self.label}.000Z"
        summary = {
            "version": "2020-06-30",
            "exportArn": f"{arn}/export/{self._id}",
            "startTime": instant,
            "endTime": instant,
            "tableArn": arn,
            "exportTime": instant,
            "s3Bucket": bucket,
            "s3Prefix": "native",
            "s3SseAlgorithm": "AES256",
            "manifestFilesS3Key": f"{self._root}/manifest-files.json",
            "billedSizeBytes": Pages(pages_folder).size(sum(counts)),
            "itemCount": sum(counts),
            "outputFormat": "DYNAMODB_JSON",
            "exportType": "FULL_EXPORT",
        }
        yield from self._manifest("manifest-summary", json.dumps(summary))

    def _manifest(self, stem: str, text: str) -> Iterator[tuple[str, bytes]]:
        content = text.encode()
        digest = hashlib.md5(content, usedforsecurity=False).digest()
        yield f"{self._root}/{stem}.json", content
        yield f"{self._root}/{stem}.md5", base64.b64encode(digest)
