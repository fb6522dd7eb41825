"""Number texts to Arrow arrays: exactly, or as the request asks, with what was lost counted."""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Decimal, InvalidOperation

import pyarrow as pa

from dynamo_assets.errors import ConversionError
from dynamo_assets.export.decoding.values import digits
from dynamo_assets.export.kernels import kernels
from dynamo_assets.export.observed import EXACT, NumberRange
from dynamo_assets.export.schema import NUMBER_TYPES

# Arrow's cast to a decimal wraps around, or gives 0, for some texts that do not fit (1E-77 and 12345678901234567890123
# in pyarrow 26), so it is only ever given texts of which the form tells that they fit. Its cast to int64 is sound.
_PLAIN_DECIMAL = r"^-?[0-9]{1,20}(\.[0-9]{1,18})?$"
# Every decimal of up to 15 significant digits survives the way to a double and back.
_SAFE_DOUBLE_DIGITS = 15


def exact_array(texts: pa.Array, known: NumberRange) -> tuple[pa.Array, NumberRange]:
    """Numbers, as strings, in the narrowest type that holds them all, but none narrower than `known`.

    Returns:
        The array, and its range.
    """
    if known == NumberRange.TEXT:
        return texts, known
    if known == NumberRange.INT64:
        try:
            return texts.cast(pa.int64()), known
        except pa.ArrowInvalid:
            pass  # too large, a fraction, or an integer that is written 1E2
    elif _all_match(texts, _PLAIN_DECIMAL):
        return texts.cast(NUMBER_TYPES[known]), known
    numbers = texts.to_pylist()
    widest = max([known, *(NumberRange.of(number) for number in numbers if number is not None)])
    if widest == NumberRange.TEXT:
        return texts, widest
    plain = [None if number is None else digits(Decimal(number)) for number in numbers]
    return pa.array(plain, pa.string()).cast(NUMBER_TYPES[widest]), widest


def double_array(texts: pa.Array) -> tuple[pa.Array, int]:
    """Numbers, as strings, as doubles.

    Returns:
        The array, and how many numbers have digits that a double cannot keep.
    """
    lossy = sum(
        1
        for number in texts.to_pylist()
        if number is not None and len(number) > _SAFE_DOUBLE_DIGITS and Decimal(number) != Decimal(repr(float(number)))
    )
    return texts.cast(pa.float64()), lossy


def forced_array(texts: list[str | None], kind: pa.DataType) -> tuple[pa.Array, int]:
    """Texts as numbers of a type that was asked for.

    Returns:
        The array, and how many numbers were rounded.

    Raises:
        ConversionError: A text is not a number, or a number is too large for the type or, for a bigint, has a fraction.
    """
    numbers = [None if text is None else _number(text) for text in texts]
    if pa.types.is_floating(kind):
        return double_array(pa.array(texts, pa.string()))
    plain, lossy = [], 0
    for number in numbers:
        forced = None if number is None else _forced(number, kind)
        lossy += forced != number
        plain.append(None if forced is None else digits(forced))
    return pa.array(plain, pa.string()).cast(kind), lossy


def _all_match(texts: pa.Array, pattern: str) -> bool:
    matching = kernels.match_substring_regex(texts, pattern)
    return matching.true_count == len(texts) - texts.null_count


def _number(text: str) -> Decimal:
    try:
        return Decimal(text)
    except InvalidOperation as error:
        raise ConversionError(f"{text!r} is not a number") from error


def _forced(number: Decimal, kind: pa.DataType) -> Decimal:
    if pa.types.is_decimal(kind):
        rounded = number.quantize(Decimal(1).scaleb(-kind.scale), ROUND_HALF_EVEN, EXACT)
        fits = abs(rounded) < Decimal(1).scaleb(kind.precision - kind.scale)
    else:
        rounded = number
        fits = number == number.to_integral_value(context=EXACT) and -(2**63) <= number < 2**63
    if not fits:
        raise ConversionError(f"{number} does not fit")
    return rounded
