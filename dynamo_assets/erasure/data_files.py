"""One data file of a snapshot, of any format: looked through in S3, or fetched, written again, and staged there."""

from __future__ import annotations

import io
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import pyarrow as pa
from botocore.exceptions import ClientError

from dynamo_assets.erasure import columnar_files, row_files
from dynamo_assets.erasure.key_columns import KeyColumns
from dynamo_assets.erasure.rewritten import Rewritten
from dynamo_assets.errors import ErasureError
from dynamo_assets.export.formats import file_format
from dynamo_assets.export.manifest import ManifestFile
from dynamo_assets.export.s3_files import S3File
from dynamo_assets.export.write import fetch

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_GONE = {"404", "NoSuchKey"}
# What a damaged file may break: see `row_counts`.
_DAMAGED = (
    ValueError, OSError, EOFError, KeyError, TypeError, IndexError, ArithmeticError,
    zlib.error, pa.ArrowException, msgspec.MsgspecError,
)  # fmt: skip


@dataclass(frozen=True)
class DataFiles:
    """The data files of a snapshot.

    Attributes:
        s3: Where they lie.
        bucket: Their bucket.
        format: Theirs.
        key: The columns of the key, and what is looked for.
    """

    s3: S3Client
    bucket: str
    format: str
    key: KeyColumns

    def going(self, file: ManifestFile) -> int:
        """How many rows of a file go. Of Parquet and ORC only the key's columns are read.

        Raises:
            ErasureError: It is not the file that the manifest names.
        """
        with self._reading(file), io.BufferedReader(S3File(self.s3, self.bucket, file.key, file.bytes)) as opened:
            found = self._module.count(opened, self.format, self.key)
        self._require(file, found.rows)
        return found.going

    def rewrite(self, file: ManifestFile, folder: Path) -> tuple[Path | None, Rewritten]:
        """Fetches a file and writes it again without the rows that go.

        Args:
            file: What the manifest says of it.
            folder: Where to work.

        Returns:
            The new file, None where there is none any more: of a snapshot without rows an export makes files only
            where these say what their columns are.

        Raises:
            ErasureError: It is not the file that the manifest names.
        """
        source, target = folder / "old", folder / "new"
        with self._reading(file):
            whole = fetch(self.s3, self.bucket, file, source)
        if not whole:
            raise ErasureError(f"s3://{self.bucket}/{file.key} is not what its manifest says")
        with self._reading(file):
            done = self._module.rewrite(source, target, self.format, self.key)
        self._require(file, done.kept + done.gone)
        is_file = done.kept or file_format(self.format).SELF_DESCRIBING
        return (target if is_file else None), done

    @property
    def suffix(self) -> str:
        """What the names of the files end with."""
        return file_format(self.format).SUFFIX

    @property
    def _module(self):
        return columnar_files if self.format in {"parquet", "orc"} else row_files

    def _require(self, file: ManifestFile, rows: int) -> None:
        if rows != file.rows:
            raise ErasureError(f"s3://{self.bucket}/{file.key}: {rows} rows, the manifest says {file.rows}")

    @contextmanager
    def _reading(self, file: ManifestFile) -> Iterator[None]:
        name = f"s3://{self.bucket}/{file.key}"
        try:
            yield
        except ClientError as error:
            if error.response.get("Error", {}).get("Code") not in {*_GONE, "InvalidRange"}:
                raise
            raise ErasureError(f"{name}: the manifest names this file, and it is gone or shorter") from error
        except _DAMAGED as error:
            # What readers say of a damaged file may quote values of it.
            problem = f"{name}: not a complete {self.format} file ({type(error).__name__})"
            raise ErasureError(problem) from None
