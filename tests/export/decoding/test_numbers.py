from __future__ import annotations

from decimal import Decimal

import pyarrow as pa
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from dynamo_assets.errors import ConversionError
from dynamo_assets.export.decoding.numbers import double_array, exact_array, forced_array
from dynamo_assets.export.observed import EXACT, NumberRange
from dynamo_assets.export.schema import NUMBER_TYPES

numbers = st.builds(
    lambda digits, exponent, plain: f"{Decimal(digits).scaleb(exponent, EXACT):{'f' if plain else ''}}",
    st.integers(-(10**38) + 1, 10**38 - 1) | st.integers(-1000, 1000),
    st.sampled_from([0, 0, 0, 1, 20, -1, -17, -18, -19]) | st.integers(-130, 88),
    st.booleans(),
)


@given(st.lists(st.none() | numbers, max_size=5), st.sampled_from(NumberRange))
# What Arrow's own cast to decimal(38,18) makes 0, or another number, without an error.
@example(["1E-77"], NumberRange.DECIMAL)
@example(["12345678901234567890123.456789012345678"], NumberRange.DECIMAL)
@example(["1E+2", "1.0", "-0"], NumberRange.INT64)
@example([], NumberRange.INT64)
def test_numbers_are_kept_exactly_in_the_narrowest_type_that_holds_them(
    texts: list[str | None], known: NumberRange
) -> None:
    column, widest = exact_array(pa.array(texts, pa.string()), known)
    assert widest == max([known, *(NumberRange.of(text) for text in texts if text is not None)])
    assert column.type == NUMBER_TYPES[widest]
    assert [None if v is None else Decimal(v) for v in column.to_pylist()] == [
        None if text is None else Decimal(text) for text in texts
    ]
    if widest == NumberRange.TEXT:
        assert column.to_pylist() == texts


@given(st.lists(numbers, max_size=5))
def test_a_double_s_loss_is_counted(texts: list[str]) -> None:
    column, lossy = double_array(pa.array(texts, pa.string()))
    assert column.to_pylist() == [float(text) for text in texts]
    assert lossy == sum(Decimal(repr(float(text))) != Decimal(text) for text in texts)


@pytest.mark.parametrize(
    ("kind", "text", "expected", "lossy"),
    [
        (pa.decimal128(5, 2), "999.994", Decimal("999.99"), 1),
        (pa.decimal128(5, 2), "-999.99", Decimal("-999.99"), 0),
        (pa.decimal128(5, 0), "2.5", Decimal(2), 1),
        (pa.decimal128(38, 0), "1E+37", Decimal("1E+37"), 0),
        (pa.int64(), "-9223372036854775808", -(2**63), 0),
        (pa.int64(), "1E+18", 10**18, 0),
        (pa.float64(), "1E+125", 1e125, 0),
    ],
)
def test_a_forced_number_is_rounded_only_in_its_fraction(
    kind: pa.DataType, text: str, expected: object, lossy: int
) -> None:
    column, lost = forced_array([text, None], kind)
    assert (column.to_pylist(), column.type, lost) == ([expected, None], kind, lossy)


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        (pa.decimal128(5, 2), "999.995"),
        (pa.decimal128(5, 2), "1E-130E"),
        (pa.decimal128(38, 18), "12345678901234567890123.456789012345678"),
        (pa.int64(), "9223372036854775808"),
        (pa.int64(), "0.5"),
        (pa.float64(), "many"),
        (pa.int64(), ""),
    ],
)
def test_a_number_that_does_not_fit_what_was_forced_is_an_error(kind: pa.DataType, text: str) -> None:
    with pytest.raises(ConversionError):
        forced_array([text], kind)
