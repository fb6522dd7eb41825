"""Data files of incremental exports as units: what items came to be is written, what they were is taken off the counts.

Over several exports an item counts with its first old image, which is the base snapshot's, and its last new one.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace

from dynamo_assets.errors import MergeError
from dynamo_assets.export.clients import Clients
from dynamo_assets.export.decoding import PageDecoder
from dynamo_assets.export.native_export.change_lines import changes_in
from dynamo_assets.export.native_export.item_keys import key_of
from dynamo_assets.export.native_export.manifests import ExportedFile
from dynamo_assets.export.observed import Facts, Observed
from dynamo_assets.export.source import Page
from dynamo_assets.export.supervision import Supervisor
from dynamo_assets.export.unit import Job, UnitResult, export_pages


@dataclass(frozen=True)
class ChangeFiles:
    """Some data files of one incremental export.

    Attributes:
        number: From 0; part of the names of the files that are made of them.
        export_number: The number of the export among those that are merged.
        files: The files.
    """

    number: int
    export_number: int
    files: tuple[ExportedFile, ...]

    @property
    def part(self) -> str:
        """See `dynamo_assets.export.unit.Unit`."""
        return f"part-{self.number:05d}"

    def export(self, job: Job, clients: Clients, supervisor: Supervisor) -> UnitResult:
        """See `dynamo_assets.export.unit.FilesUnit`; the facts' counts are the difference that the changes make."""
        if job.merge is None:
            raise MergeError(f"table {job.request.table}: changes without a snapshot that they are changes of")
        gone = _Uncounted(PageDecoder(job.expected_facts(), job.request, list(job.table.keys)))
        result = export_pages(job, clients, self.part, self._pages(job, clients, supervisor, gone), supervisor)
        facts = gone.facts()
        facts.merge(result.facts)
        return replace(result, facts=facts)

    def _pages(self, job: Job, clients: Clients, supervisor: Supervisor, gone: _Uncounted) -> Iterator[Page]:
        assert job.merge is not None
        keys = job.table.keys
        superseded = job.merge.changed.superseded[self.export_number]
        continued = job.merge.changed.continued[self.export_number]
        for changes in changes_in(clients.s3, job.request.bucket, self.files, supervisor):
            olds = [change.old for change in changes if not _has(continued, change.Keys, keys)]
            news = [change.new for change in changes if not _has(superseded, change.Keys, keys)]
            gone.add(_page(olds))
            yield _page(news)


def _has(some: Collection[bytes], key: Mapping[str, Mapping[str, str]], attributes: Mapping[str, str]) -> bool:
    # Of one export alone, and of most of several, none.
    return bool(some) and key_of(key, attributes) in some


def _page(images: list[bytes]) -> Page:
    found = list(filter(None, images))
    return Page(b"[" + b",".join(found) + b"]", len(found))


class _Uncounted:
    """Items that are in a snapshot no more: decoded as the others are, so that they take off what they once added."""

    def __init__(self, decoder: PageDecoder):
        self._decoder = decoder
        self._pages: list[Page] = []

    def add(self, page: Page) -> None:
        if page.count:
            self._pages.append(page)
        if self._decoder.is_worth_decoding(self._pages):
            self._decode()

    def _decode(self) -> None:
        self._decoder.decode(*self._pages)
        self._pages.clear()

    def facts(self) -> Facts:
        if self._pages:
            self._decode()
        return Facts({name: _negated(observed) for name, observed in self._decoder.facts.attributes.items()})


def _negated(observed: Observed) -> Observed:
    return Observed(
        counts={tag: -count for tag, count in observed.counts.items()},
        numbers=observed.numbers,
        fields={name: _negated(inner) for name, inner in observed.fields.items()},
        too_many_fields=observed.too_many_fields,
        elements=None if observed.elements is None else _negated(observed.elements),
        lossy=-observed.lossy,
    )
