from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dynamo_assets.export.native_export.conversion_plan import spread
from dynamo_assets.export.native_export.manifests import ExportedFile


@given(st.lists(st.integers(0, 1000), max_size=40), st.integers(1, 20))
def test_every_file_is_in_one_group_and_groups_are_about_alike(items: list[int], groups: int) -> None:
    files = [ExportedFile(f"file-{number}", count, "md5") for number, count in enumerate(items)]
    units = spread(files, groups)
    assert sorted((file for unit in units for file in unit.files), key=files.index) == files
    assert [unit.number for unit in units] == list(range(len(units)))
    assert 1 <= len(units) <= groups
    loads = [sum(file.items for file in unit.files) for unit in units]
    assert max(loads) - min(loads) <= max(items, default=0)


@pytest.mark.parametrize(("files", "groups", "expected"), [(4, 1, 1), (4, 3, 3), (2, 8, 2), (0, 4, 1)])
def test_there_are_no_more_units_than_files(files: int, groups: int, expected: int) -> None:
    assert len(spread([ExportedFile(str(number), 1, "") for number in range(files)], groups)) == expected
