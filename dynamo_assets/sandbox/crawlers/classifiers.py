"""Custom classifiers for CSV, as CreateClassifier takes them (API reference, CsvClassifier)."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from dynamo_assets.sandbox.crawlers.settings import refuse

_KINDS = ("GrokClassifier", "XMLClassifier", "JsonClassifier", "CsvClassifier")
_KNOWN = {
    "Name", "Delimiter", "QuoteSymbol", "ContainsHeader", "Header", "DisableValueTrimming", "AllowSingleColumn",
    "Serde", "CustomDatatypeConfigured", "CustomDatatypes",
}  # fmt: skip


@dataclass(frozen=True)
class CsvClassifier:
    """One classifier.

    Attributes:
        name: Its name.
        delimiter: What separates columns.
        quote: What encloses a cell.
        header: PRESENT, ABSENT, or UNKNOWN: then told by what the first row looks like.
        names: The columns' names, where it gives them.
        single_column: Whether a file may have one column.
        serde: `OpenCSVSerDe` or `LazySimpleSerDe` where the table shall have that.
    """

    name: str
    delimiter: str = ","
    quote: str = '"'
    header: str = "UNKNOWN"
    names: tuple[str, ...] = ()
    single_column: bool = False
    serde: str = ""

    @classmethod
    def of(cls, definition: Mapping[str, Any]) -> CsvClassifier:
        """The classifier that a request defines.

        Raises:
            GlueError: Glue, or the sandbox, does not take it.
        """
        if unknown := sorted(definition.keys() - _KNOWN):
            refuse(f"The sandbox does not know a CsvClassifier's {', '.join(unknown)}")
        if definition.get("CustomDatatypeConfigured") or definition.get("CustomDatatypes"):
            refuse("The sandbox does not use custom data types of CSV classifiers")
        header, serde = definition.get("ContainsHeader", "UNKNOWN"), definition.get("Serde", "None")
        delimiter, quote = definition.get("Delimiter", ","), definition.get("QuoteSymbol", '"')
        if len(delimiter) != 1 or len(quote) != 1 or delimiter == quote:
            refuse("Delimiter and QuoteSymbol must be one character each, and differ")
        return cls(
            name=definition["Name"],
            delimiter=delimiter,
            quote=quote,
            header=header,
            names=tuple(definition.get("Header") or ()),
            single_column=bool(definition.get("AllowSingleColumn")),
            serde="" if serde == "None" else serde,
        )


class Classifiers:
    """All classifiers of a sandbox. Each public method but `find` answers the Glue request of its name."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._definitions: dict[str, dict[str, Any]] = {}

    def create_classifier(self, request: Mapping[str, Any]) -> None:
        """Defines a classifier."""
        definition = _only_csv(request)
        CsvClassifier.of(definition)
        with self._lock:
            if definition["Name"] in self._definitions:
                refuse(f"Classifier entry with name {definition['Name']} already exists", "AlreadyExistsException")
            self._definitions[definition["Name"]] = definition

    def update_classifier(self, request: Mapping[str, Any]) -> None:
        """Changes what the request names."""
        changes = _only_csv(request)
        with self._lock:
            definition = self._find(changes["Name"]) | changes
            CsvClassifier.of(definition)
            self._definitions[definition["Name"]] = definition

    def get_classifier(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Describes a classifier."""
        with self._lock:
            return {"Classifier": {"CsvClassifier": self._find(request["Name"])}}

    def get_classifiers(self, _request: Mapping[str, Any]) -> dict[str, Any]:
        """Describes all classifiers."""
        with self._lock:
            return {"Classifiers": [{"CsvClassifier": definition} for definition in self._definitions.values()]}

    def delete_classifier(self, request: Mapping[str, Any]) -> None:
        """Forgets a classifier."""
        with self._lock:
            self._find(request["Name"])
            del self._definitions[request["Name"]]

    def find(self, names: Iterable[str]) -> tuple[CsvClassifier, ...]:
        """The classifiers of these names.

        Raises:
            GlueError: One of them is not there.
        """
        with self._lock:
            return tuple(CsvClassifier.of(self._find(name)) for name in names)

    def _find(self, name: str) -> dict[str, Any]:
        if name not in self._definitions:
            refuse(f"Classifier entry with name {name} does not exist", "EntityNotFoundException")
        return self._definitions[name]


def _only_csv(request: Mapping[str, Any]) -> dict[str, Any]:
    given = [kind for kind in _KINDS if request.get(kind)]
    if given != ["CsvClassifier"]:
        refuse(f"The sandbox does not have classifiers of the kind {', '.join(given) or 'none'}: only CsvClassifier")
    return dict(request["CsvClassifier"])
