"""Every function the sandbox's Athena knows: its types as Athena's documentation writes them, and what DuckDB calls it.

A key is a signature, a value DuckDB's SQL with the arguments as `{0}`, `{1}`. In a signature

    T, U, K, V, S   any type; the same letter is the same type after Athena's own widening
    N, D, X         any number; any decimal; any date or timestamp
    local           any date or timestamp, as the wall clock of its zone
    unit, zone, format, replacement    a string literal that is translated while the query is (see `literals`)
    T...            any number of further arguments

What is not here fails: FUNCTION_NOT_FOUND, or a refusal where Athena has it.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from dynamo_assets.sandbox.athena import types

AGGREGATES: dict[str, str] = {
    "count(T) -> bigint": "count({0})",
    "count_if(boolean) -> bigint": "count_if({0})",
    "sum(bigint) -> bigint": "sum({0})",
    "sum(D) -> sum of D": "sum({0})",
    "sum(real) -> real": "sum({0})",
    "sum(double) -> double": "sum({0})",
    "avg(bigint) -> double": "avg({0})",
    "avg(D) -> D": "athena_quotient(CAST(sum({0}){over} AS VARCHAR), CAST(count({0}){over} AS VARCHAR), {D.scale})",
    "avg(real) -> real": "avg({0})",
    "avg(double) -> double": "avg({0})",
    "min(T) -> T": "min({0})",
    "max(T) -> T": "max({0})",
    "min_by(T, U) -> T": "arg_min_null({0}, {1})",
    "max_by(T, U) -> T": "arg_max_null({0}, {1})",
    "arbitrary(T) -> T": "any_value({0})",
    "any_value(T) -> T": "any_value({0})",
    "array_agg(T) -> array(T)": "array_agg({0})",
    "histogram(T) -> map(T, bigint)": "histogram({0})",
    "listagg(varchar) -> varchar": "string_agg({0}, '')",
    "listagg(varchar, varchar) -> varchar": "string_agg({0}, {1})",
    "bool_and(boolean) -> boolean": "bool_and({0})",
    "every(boolean) -> boolean": "bool_and({0})",
    "bool_or(boolean) -> boolean": "bool_or({0})",
    "approx_distinct(T) -> bigint": "approx_count_distinct({0})",
    "approx_percentile(N, double) -> N": "approx_quantile({0}, CAST({1} AS FLOAT))",
    "stddev(double) -> double": "stddev_samp({0})",
    "stddev_samp(double) -> double": "stddev_samp({0})",
    "stddev_pop(double) -> double": "stddev_pop({0})",
    "variance(double) -> double": "var_samp({0})",
    "var_samp(double) -> double": "var_samp({0})",
    "var_pop(double) -> double": "var_pop({0})",
    "corr(double, double) -> double": "corr({0}, {1})",
    "covar_samp(double, double) -> double": "covar_samp({0}, {1})",
    "covar_pop(double, double) -> double": "covar_pop({0}, {1})",
}

WINDOW_ONLY: dict[str, str] = {
    "row_number() -> bigint": "row_number()",
    "rank() -> bigint": "rank()",
    "dense_rank() -> bigint": "dense_rank()",
    "percent_rank() -> double": "percent_rank()",
    "cume_dist() -> double": "cume_dist()",
    "ntile(bigint) -> bigint": "ntile({0})",
    "lag(T) -> T": "lag({0})",
    "lag(T, bigint) -> T": "lag({0}, {1})",
    "lag(T, bigint, T) -> T": "lag({0}, {1}, {2})",
    "lead(T) -> T": "lead({0})",
    "lead(T, bigint) -> T": "lead({0}, {1})",
    "lead(T, bigint, T) -> T": "lead({0}, {1}, {2})",
    "first_value(T) -> T": "first_value({0})",
    "last_value(T) -> T": "last_value({0})",
    "nth_value(T, bigint) -> T": "nth_value({0}, {1})",
}

SCALARS: dict[str, str] = {
    # Conditions
    "coalesce(T, T...) -> T": "coalesce({*})",
    "nullif(T, T) -> T": "nullif({0}, {1})",
    # Athena's are NULL when any argument is; DuckDB's pass over NULLs.
    "greatest(T, T...) -> T": "CASE WHEN list_contains([({*:) IS NULL, (}) IS NULL], true) THEN NULL "
    "ELSE greatest({*}) END",
    "least(T, T...) -> T": "CASE WHEN list_contains([({*:) IS NULL, (}) IS NULL], true) THEN NULL "
    "ELSE least({*}) END",
    "typeof(T) -> varchar": "{T.name}",
    # Numbers
    "abs(N) -> N": "abs({0})",
    "sign(N) -> N": "sign({0})",
    "mod(N, N) -> N": "({0} % {1})",
    "ceil(bigint) -> bigint": "{0}",
    "ceil(D) -> whole D": "ceil({0})",
    "ceil(double) -> double": "ceil({0})",
    "ceiling(bigint) -> bigint": "{0}",
    "ceiling(D) -> whole D": "ceil({0})",
    "ceiling(double) -> double": "ceil({0})",
    "floor(bigint) -> bigint": "{0}",
    "floor(D) -> whole D": "floor({0})",
    "floor(double) -> double": "floor({0})",
    "round(bigint) -> bigint": "{0}",
    "round(D) -> whole D": "round({0})",
    "round(double) -> double": "round({0})",
    "round(D, integer) -> longer D": "round({0}, {1})",
    "round(double, integer) -> double": "round({0}, {1})",
    "truncate(double) -> double": "trunc({0})",
    "sqrt(double) -> double": "sqrt({0})",
    "cbrt(double) -> double": "cbrt({0})",
    "exp(double) -> double": "exp({0})",
    "ln(double) -> double": "ln({0})",
    "log2(double) -> double": "log2({0})",
    "log10(double) -> double": "log10({0})",
    "log(double, double) -> double": "log({0}, {1})",
    "power(double, double) -> double": "power({0}, {1})",
    "pow(double, double) -> double": "power({0}, {1})",
    "pi() -> double": "pi()",
    "random() -> double": "random()",
    "rand() -> double": "random()",
    "is_nan(double) -> boolean": "isnan({0})",
    "bitwise_and(bigint, bigint) -> bigint": "({0} & {1})",
    "bitwise_or(bigint, bigint) -> bigint": "({0} | {1})",
    "bitwise_xor(bigint, bigint) -> bigint": "xor({0}, {1})",
    # Text
    "lower(varchar) -> varchar": "lower({0})",
    "upper(varchar) -> varchar": "upper({0})",
    "length(varchar) -> bigint": "length({0})",
    "length(varbinary) -> bigint": "octet_length({0})",
    "char_length(varchar) -> bigint": "length({0})",
    "trim(varchar) -> varchar": "trim({0})",
    "ltrim(varchar) -> varchar": "ltrim({0})",
    "rtrim(varchar) -> varchar": "rtrim({0})",
    "substr(varchar, bigint) -> varchar": "CASE WHEN {1} = 0 OR {1} < -length({0}) THEN '' ELSE substr({0}, {1}) END",
    "substr(varchar, bigint, bigint) -> varchar": "CASE WHEN {1} = 0 OR {1} < -length({0}) OR {2} <= 0 THEN '' "
    "ELSE substr({0}, {1}, {2}) END",
    "concat(varchar, varchar...) -> varchar": "({*: || })",
    "concat(array(T), array(T)...) -> array(T)": "({*: || })",
    "concat_ws(varchar, varchar...) -> varchar": "concat_ws({*})",
    "replace(varchar, varchar) -> varchar": "replace({0}, {1}, '')",
    "replace(varchar, varchar, varchar) -> varchar": "replace({0}, {1}, {2})",
    "reverse(varchar) -> varchar": "reverse({0})",
    "reverse(array(T)) -> array(T)": "list_reverse({0})",
    "lpad(varchar, bigint, varchar) -> varchar": "lpad({0}, CAST({1} AS INTEGER), {2})",
    "rpad(varchar, bigint, varchar) -> varchar": "rpad({0}, CAST({1} AS INTEGER), {2})",
    "split(varchar, varchar) -> array(varchar)": "str_split({0}, {1})",
    "split_part(varchar, varchar, bigint) -> varchar": "list_extract(str_split({0}, {1}), {2})",
    "strpos(varchar, varchar) -> bigint": "strpos({0}, {1})",
    "starts_with(varchar, varchar) -> boolean": "starts_with({0}, {1})",
    "chr(bigint) -> varchar": "chr(CAST({0} AS INTEGER))",
    "codepoint(varchar) -> integer": "unicode({0})",
    "translate(varchar, varchar, varchar) -> varchar": "translate({0}, {1}, {2})",
    "levenshtein_distance(varchar, varchar) -> bigint": "levenshtein({0}, {1})",
    "regexp_like(varchar, varchar) -> boolean": "regexp_matches({0}, {1})",
    # DuckDB gives '' where nothing matches.
    "regexp_extract(varchar, varchar) -> varchar": "CASE WHEN regexp_matches({0}, {1}) "
    "THEN regexp_extract({0}, {1}) END",
    "regexp_extract(varchar, varchar, integer) -> varchar": "CASE WHEN regexp_matches({0}, {1}) "
    "THEN regexp_extract({0}, {1}, {2}) END",
    "regexp_extract_all(varchar, varchar) -> array(varchar)": "regexp_extract_all({0}, {1})",
    "regexp_extract_all(varchar, varchar, integer) -> array(varchar)": "regexp_extract_all({0}, {1}, {2})",
    "regexp_count(varchar, varchar) -> bigint": "len(regexp_extract_all({0}, {1}))",
    "regexp_replace(varchar, varchar) -> varchar": "regexp_replace({0}, {1}, '', 'g')",
    "regexp_replace(varchar, varchar, replacement) -> varchar": "regexp_replace({0}, {1}, {2}, 'g')",
    "regexp_split(varchar, varchar) -> array(varchar)": "regexp_split_to_array({0}, {1})",
    "url_encode(varchar) -> varchar": "url_encode({0})",
    "url_decode(varchar) -> varchar": "url_decode(replace({0}, '+', ' '))",
    # Binary
    "to_utf8(varchar) -> varbinary": "encode({0})",
    "from_utf8(varbinary) -> varchar": "decode({0})",
    "to_hex(varbinary) -> varchar": "hex({0})",
    "from_hex(varchar) -> varbinary": "unhex({0})",
    "to_base64(varbinary) -> varchar": "to_base64({0})",
    "from_base64(varchar) -> varbinary": "from_base64({0})",
    "md5(varbinary) -> varbinary": "unhex(md5({0}))",
    "sha1(varbinary) -> varbinary": "unhex(sha1({0}))",
    "sha256(varbinary) -> varbinary": "unhex(sha256({0}))",
    # Time
    "now() -> timestamptz": "date_trunc('millisecond', now())",
    "date_trunc(unit, X) -> X": "date_trunc({0}, {1})",
    "date_add(unit, bigint, X) -> X": "({2} + {1} * {0:interval})",
    "date_diff(unit, X, X) -> bigint": "date_sub({0}, {1}, {2})",
    "date_format(local, format) -> varchar": "strftime({0}, {1})",
    "date_parse(varchar, format) -> timestamp": "date_trunc('millisecond', strptime({0}, {1}))",
    "year(local) -> bigint": "year({0})",
    "quarter(local) -> bigint": "quarter({0})",
    "month(local) -> bigint": "month({0})",
    "week(local) -> bigint": "weekofyear({0})",
    "week_of_year(local) -> bigint": "weekofyear({0})",
    "year_of_week(local) -> bigint": "isoyear({0})",
    "yow(local) -> bigint": "isoyear({0})",
    "day(local) -> bigint": "day({0})",
    "day_of_month(local) -> bigint": "day({0})",
    "day_of_week(local) -> bigint": "isodow({0})",
    "dow(local) -> bigint": "isodow({0})",
    "day_of_year(local) -> bigint": "dayofyear({0})",
    "doy(local) -> bigint": "dayofyear({0})",
    "hour(local) -> bigint": "hour({0})",
    "minute(local) -> bigint": "minute({0})",
    "second(local) -> bigint": "second({0})",
    "millisecond(local) -> bigint": "(millisecond({0}) % 1000)",
    "last_day_of_month(local) -> date": "last_day({0})",
    "from_unixtime(double) -> timestamptz": "to_timestamp(round({0}, 3))",
    "from_unixtime(double, zone) -> timestamptz in zone": "to_timestamp(round({0}, 3))",
    "to_unixtime(X) -> double": "epoch({0})",
    "from_iso8601_date(varchar) -> date": "CAST({0} AS DATE)",
    # A time that keeps its own offset would need a zone for each value.
    "from_iso8601_timestamp(varchar) -> timestamptz": "CASE "
    "WHEN regexp_matches({0}, 'T.*[+-](0[1-9]|1|00:?[0-9]*[1-9])') "
    "THEN error('NOT_SUPPORTED: The sandbox does not keep the offset of ' || {0} || ': write times in UTC') "
    "ELSE date_trunc('millisecond', CAST({0} AS TIMESTAMPTZ)) END",
    "to_iso8601(date) -> varchar": "strftime({0}, '%Y-%m-%d')",
    "to_iso8601(timestamp) -> varchar": "strftime({0}, '%Y-%m-%dT%H:%M:%S.%g')",
    "at_timezone(timestamptz, zone) -> timestamptz in zone": "{0}",
    "with_timezone(timestamp, zone) -> timestamptz in zone": "({0} AT TIME ZONE {1})",
    # Arrays and maps
    "cardinality(array(T)) -> bigint": "len({0})",
    "cardinality(map(K, V)) -> bigint": "len(map_keys({0}))",
    "element_at(array(T), bigint) -> T": "list_extract({0}, {1})",
    "element_at(map(K, V), K) -> V": "({0})[{1}]",
    "contains(array(T), T) -> boolean": "list_contains({0}, {1})",
    "array_distinct(array(T)) -> array(T)": "list_filter({0}, lambda e, i: list_position({0}, e) = i)",
    "array_join(array(varchar), varchar) -> varchar": "array_to_string({0}, {1})",
    "array_join(array(bigint), varchar) -> varchar": "array_to_string({0}, {1})",
    "array_join(array(varchar), varchar, varchar) -> varchar": "array_to_string("
    "list_transform({0}, lambda e: coalesce(e, {2})), {1})",
    "array_max(array(T)) -> T": "CASE WHEN list_position({0}, NULL) IS NULL THEN list_max({0}) END",
    "array_min(array(T)) -> T": "CASE WHEN list_position({0}, NULL) IS NULL THEN list_min({0}) END",
    "array_position(array(T), T) -> bigint": "CASE WHEN {0} IS NOT NULL AND {1} IS NOT NULL "
    "THEN coalesce(list_position({0}, {1}), 0) END",
    "array_remove(array(T), T) -> array(T)": "list_filter({0}, lambda e: e IS DISTINCT FROM {1})",
    "array_sort(array(T)) -> array(T)": "list_sort({0}, 'ASC', 'NULLS LAST')",
    "arrays_overlap(array(T), array(T)) -> boolean": "list_has_any({0}, {1})",
    "slice(array(T), bigint, bigint) -> array(T)": "CASE WHEN {1} > 0 THEN list_slice({0}, {1}, {1} + {2} - 1) "
    "ELSE list_slice({0}, len({0}) + {1} + 1, len({0}) + {1} + {2}) END",
    "flatten(array(array(T))) -> array(T)": "flatten({0})",
    "sequence(bigint, bigint) -> array(bigint)": "CASE WHEN {0} <= {1} THEN generate_series({0}, {1}) "
    "ELSE generate_series({0}, {1}, -1) END",
    "sequence(bigint, bigint, bigint) -> array(bigint)": "generate_series({0}, {1}, {2})",
    "sequence(date, date) -> array(date)": "CAST(generate_series({0}, {1}, INTERVAL 1 DAY) AS DATE[])",
    "sequence(date, date, interval) -> array(date)": "CAST(generate_series({0}, {1}, {2}) AS DATE[])",
    "repeat(T, bigint) -> array(T)": "list_transform(range({1}), lambda e: {0})",
    "transform(array(T), T => U) -> array(U)": "list_transform({0}, {1})",
    "filter(array(T), T => boolean) -> array(T)": "list_filter({0}, {1})",
    "any_match(array(T), T => boolean) -> boolean": "list_bool_or(list_transform({0}, {1}))",
    "all_match(array(T), T => boolean) -> boolean": "coalesce(list_bool_and(list_transform({0}, {1})), len({0}) = 0)",
    "none_match(array(T), T => boolean) -> boolean": "NOT coalesce(list_bool_or(list_transform({0}, {1})), false)",
    "map() -> map(unknown, unknown)": "map([], [])",
    "map(array(K), array(V)) -> map(K, V)": "map({0}, {1})",
    "map_keys(map(K, V)) -> array(K)": "map_keys({0})",
    "map_values(map(K, V)) -> array(V)": "map_values({0})",
    "map_concat(map(K, V), map(K, V)) -> map(K, V)": "map_concat({0}, {1})",
    # JSON; what is no JSON has nothing to extract
    "json_parse(varchar) -> json": "json({0})",
    "json_format(json) -> varchar": "CAST(json({0}) AS VARCHAR)",
    "json_extract(varchar, varchar) -> json": "CASE WHEN json_valid({0}) THEN json_extract({0}, {1}) END",
    "json_extract(json, varchar) -> json": "json_extract({0}, {1})",
    "json_extract_scalar(varchar, varchar) -> varchar": "CASE WHEN json_valid({0}) AND "
    "json_type({0}, {1}) NOT IN ('OBJECT', 'ARRAY') THEN json_extract_string({0}, {1}) END",
    "json_extract_scalar(json, varchar) -> varchar": "CASE WHEN json_type({0}, {1}) NOT IN ('OBJECT', 'ARRAY') "
    "THEN json_extract_string({0}, {1}) END",
    "json_array_length(varchar) -> bigint": "CASE WHEN json_valid({0}) AND json_type({0}) = 'ARRAY' "
    "THEN json_array_length({0}) END",
    "json_array_length(json) -> bigint": "CASE WHEN json_type({0}) = 'ARRAY' THEN json_array_length({0}) END",
}  # fmt: skip

ALIASES = {"substring": "substr", "character_length": "char_length", "current_timestamp": "now"}

# Functions of Athena that the sandbox refuses by name, so that a query is not told they do not exist.
KNOWN_TO_ATHENA = """
    acos approx_most_frequent approx_set array_except array_intersect array_union asin atan atan2 bar beta_cdf
    bit_count bitwise_and_agg bitwise_left_shift bitwise_not bitwise_or_agg bitwise_right_shift bitwise_xor_agg
    char2hexint checksum classify color combinations cos cosh cosine_similarity crc32 current_catalog
    current_schema current_user date_histogram degrees e entropy evaluate_classifier_predictions features
    filter_map find_first format format_datetime format_number from_base from_base32 from_big_endian_64
    from_ieee754_64 from_iso8601_timestamp_nanos from_unixtime_nanos geometric_mean grouping hamming_distance
    hash_counts hmac_md5 hmac_sha1 hmac_sha256 hmac_sha512 human_readable_seconds index infinity
    inverse_normal_cdf is_finite is_infinite is_json_scalar jaccard_index json_array json_array_contains
    json_array_get json_exists json_object json_query json_size json_value kurtosis last_day localtime
    luhn_check make_set_digest map_agg map_entries map_filter map_from_entries map_union map_zip_with merge
    merge_set_digest multimap_agg multimap_from_entries murmur3 nan ngrams normal_cdf normalize
    numeric_histogram parse_data_size parse_datetime parse_duration parse_presto_data_size qdigest_agg
    quantile_at_value radians reduce reduce_agg regexp_position regr_intercept regr_slope render rgb sha512
    shuffle sin sinh skewness soundex split_to_map split_to_multimap spooky_hash_v2_32 spooky_hash_v2_64 st_area
    st_astext st_contains st_distance st_geometryfromtext st_point st_x st_y tan tanh tdigest_agg
    timestamp_objectid timezone_hour timezone_minute to_base to_base32 to_big_endian_64 to_char to_date
    to_geometry to_ieee754_64 to_milliseconds to_timestamp transform_keys transform_values trim_array
    url_extract_fragment url_extract_host url_extract_parameter url_extract_path url_extract_port
    url_extract_protocol url_extract_query uuid value_at_quantile version width_bucket wilson_interval_lower
    wilson_interval_upper word_stem xxhash64 zip zip_with
"""


@dataclass(frozen=True)
class Signature:
    """One form of a function.

    Attributes:
        arguments: A pattern for each: a type, a letter or word of the module's docstring, or a tuple that begins
            with `array`, `map` or `lambda`.
        returns: A pattern too, or a rule such as `sum of D`.
        kind: `scalar`, `aggregate` or `window`.
    """

    text: str
    arguments: tuple[Any, ...]
    variadic: bool
    returns: Any
    template: str
    kind: str


@functools.cache
def signatures(name: str) -> list[Signature]:
    """The forms of a function by its name in lower case; the first that fits a call is meant."""
    name = ALIASES.get(name, name)
    tables = (("aggregate", AGGREGATES), ("window", WINDOW_ONLY), ("scalar", SCALARS))
    return [
        _signature(text, template, kind)
        for kind, table in tables
        for text, template in table.items()
        if text.startswith(f"{name}(")
    ]


def _signature(text: str, template: str, kind: str) -> Signature:
    head, _, returns = text.rpartition(" -> ")
    tokens = re.findall(r"\w+|=>|\.\.\.|[(),]", head)[2:-1]
    variadic = tokens[-1:] == ["..."]
    tokens = tokens[:-1] if variadic else tokens
    arguments = []
    while tokens:
        arguments.append(_pattern(tokens))
        tokens[:1] = []
    rule = returns if " " in returns and "(" not in returns else _pattern(re.findall(r"\w+|=>|[(),]", returns))
    return Signature(text, tuple(arguments), variadic, rule, template, kind)


_TYPES = {
    "boolean": types.BOOLEAN,
    "bigint": types.BIGINT,
    "integer": types.INTEGER,
    "real": types.REAL,
    "double": types.DOUBLE,
    "varchar": types.VARCHAR,
    "varbinary": types.VARBINARY,
    "date": types.DATE,
    "timestamp": types.TIMESTAMP,
    "timestamptz": types.TIMESTAMP_UTC,
    "json": types.JSON,
    "unknown": types.UNKNOWN,
    "interval": types.DAY_TIME,
}


def _pattern(tokens: list[str]) -> Any:
    token = tokens.pop(0)
    if token in ("array", "map"):
        tokens.pop(0)
        parts = [_pattern(tokens)]
        while tokens.pop(0) == ",":
            parts.append(_pattern(tokens))
        return (token, *parts)
    pattern = _TYPES.get(token, token)
    if tokens[:1] == ["=>"]:
        tokens.pop(0)
        return ("lambda", pattern, _pattern(tokens))
    return pattern


_RULES: dict[str, Callable[[dict[str, Any]], pa.DataType]] = {
    "sum of D": lambda bound: types.decimal(38, bound["D"].scale),
    "whole D": lambda bound: types.decimal(bound["D"].precision - bound["D"].scale + (bound["D"].scale > 0), 0),
    "longer D": lambda bound: types.decimal(bound["D"].precision + 1, bound["D"].scale),
    "timestamptz in zone": lambda bound: bound["zone"],
}


def result_type(rule: Any, bound: dict[str, pa.DataType]) -> pa.DataType:
    """The type of a call, from its signature's `returns` and what the letters stand for."""
    if isinstance(rule, pa.DataType):
        return rule
    if isinstance(rule, tuple):
        parts = [result_type(part, bound) for part in rule[1:]]
        return pa.list_(parts[0]) if rule[0] == "array" else types.map_of(*parts)
    return _RULES[rule](bound) if rule in _RULES else bound[rule]
