"""Number texts to Arrow arrays: exactly, or as the request asks, with what was lost counted."""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Decimal, InvalidOperation

import pyarrow as pa

from dynamo_assets.errors import ConversionError
from dynamo_assets.export.schema import EXACT, NUMBER_TYPES, NumberRange
from dynamo_assets.export.values import digits

# Every decimal of up to 15 significant digits survives the way to a double and back.
_SAFE_DOUBLE_DIGITS = 15


def exact_array(numbers: list[str | None], known: NumberRange) -> tuple[pa.Array, NumberRange]:
    """Numbers in the narrowest type that holds them all, but none narrower than `known`.

    Returns:
        The array, and its range.
    """
    texts = pa.array(numbers, pa.string())
    if known == NumberRange.TEXT:
        return texts, known
    try:
        return texts.cast(NUMBER_TYPES[known]), known
    except pa.ArrowInvalid:
        widest = max(known, *(NumberRange.of(number) for number in numbers if number is not None))
    if widest == NumberRange.TEXT:
        return texts, widest
    # An integer may be written 1E2 or 1.0, which Arrow does not take for one.
    plain = [None if number is None else digits(Decimal(number)) for number in numbers]
    return pa.array(plain, pa.string()).cast(NUMBER_TYPES[widest]), widest


def double_array(numbers: list[str | None]) -> tuple[pa.Array, int]:
    """Numbers as doubles.

    Returns:
        The array, and how many numbers have digits that a double cannot keep.
    """
    lossy = sum(
        1
        for number in numbers
        if number is not None and len(number) > _SAFE_DOUBLE_DIGITS and Decimal(number) != Decimal(repr(float(number)))
    )
    return pa.array(numbers, pa.string()).cast(pa.float64()), lossy


def forced_array(numbers: list[str | None], kind: pa.DataType) -> tuple[pa.Array, int]:
    """Numbers in a type that was asked for.

    Returns:
        The array, and how many numbers were rounded.

    Raises:
        ConversionError: A text is not a number, or a number is too large for the type or, for a bigint, has a fraction.
    """
    for number in numbers:
        try:
            Decimal(number or 0)
        except InvalidOperation as error:
            raise ConversionError(f"{number!r} is not a number") from error
    if pa.types.is_floating(kind):
        return double_array(numbers)
    scale = kind.scale if pa.types.is_decimal(kind) else None
    plain, lossy = [], 0
    for number in numbers:
        exact = None if number is None else Decimal(number)
        if exact is not None and scale is not None:
            rounded = exact.quantize(Decimal(1).scaleb(-scale), ROUND_HALF_EVEN, EXACT)
            lossy += rounded != exact
            exact = rounded
        plain.append(None if exact is None else digits(exact))
    try:
        return pa.array(plain, pa.string()).cast(kind), lossy
    except pa.ArrowInvalid as error:
        raise ConversionError(f"a number does not fit {kind}: {error}") from error
