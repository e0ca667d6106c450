"""Values between Arrow's columns and what Python functions take and give: objects for functions of rows, pandas' columns for the others.

Timestamps are wall-clock times of the session's zone. Source: PySpark's type conversions, seen from Spark 4.3.
"""
import datetime
import decimal
import zoneinfo

import pyarrow as pa
import pyarrow.compute as pc

EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)
MICROSECOND = datetime.timedelta(microseconds=1)


class Session:
    """What the session says about conversions; set at the start of each call."""

    zone = datetime.timezone.utc
    zone_name = "UTC"
    safe = False


def table_of(payload):
    return pa.ipc.open_stream(pa.py_buffer(payload)).read_all()


def one_array(chunked):
    if isinstance(chunked, pa.ChunkedArray):
        return chunked.chunk(0) if chunked.num_chunks == 1 else chunked.combine_chunks()
    return chunked


def refusal(kind, condition, **parameters):
    from pyspark import errors

    return getattr(errors, kind)(errorClass=condition, messageParameters=parameters)


def expected_type(expected, value):
    name = getattr(type(value), "__name__", str(type(value)))
    return refusal("PySparkTypeError", "UDF_RETURN_TYPE", expected=expected, actual=name)


# Values of Arrow as Python's objects: timestamps are wall-clock times of the session's zone, maps are dicts, structs are rows.


def reader(kind):
    """A function from one value as Arrow gives it to the function's; None for no change."""
    types = pa.types
    if types.is_timestamp(kind):
        zone = Session.zone
        return lambda value: value if value is None else value.astimezone(zone).replace(tzinfo=None)
    if types.is_map(kind):
        key, item = reader(kind.key_type) or same, reader(kind.item_type) or same
        return lambda value: value if value is None else {key(k): item(v) for k, v in value}
    if types.is_struct(kind):
        from pyspark.sql.types import Row

        names = [field.name for field in kind]
        row, parts = Row(*names), [reader(field.type) or same for field in kind]
        return lambda value: value if value is None else row(*[part(value[name]) for name, part in zip(names, parts)])
    if types.is_list(kind) or types.is_large_list(kind):
        element = reader(kind.value_type)
        return element and (lambda value: value if value is None else [element(item) for item in value])
    return None


def same(value):
    return value


def objects(array):
    change = reader(array.type)
    values = array.to_pylist()
    return [change(value) for value in values] if change else values


# Python's objects as values of Arrow. A row function's result of another type is null, or is converted, as Spark does it; with Arrow's
# conversion it is cast or raises.


def wrapped(bits):
    half, whole = 1 << (bits - 1), 1 << bits

    def convert(value):
        value = plain_number(value)
        if isinstance(value, bool) or not isinstance(value, int):
            return None
        return value if -half <= value < half else (value + half) % whole - half

    return convert


def text(value):
    if value is None or isinstance(value, str):
        return value
    return str(value).lower() if isinstance(value, bool) else str(value)


def java_text(value):
    if isinstance(value, dict):
        return "{" + ", ".join("%s=%s" % (java_text(k), java_text(v)) for k, v in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join("null" if item is None else java_text(item) for item in value) + "]"
    return text(value)


def instant(value):
    if value is None:
        return None
    aware = value if value.tzinfo else value.replace(tzinfo=Session.zone)
    return (aware - EPOCH) // MICROSECOND


def rounded(kind):
    step, whole = decimal.Decimal(1).scaleb(-kind.scale), kind.precision - kind.scale
    context = decimal.Context(prec=76)

    def convert(value):
        if not isinstance(value, decimal.Decimal) or not value.is_finite():
            return None
        changed = value.quantize(step, decimal.ROUND_HALF_UP, context)
        return changed if changed.adjusted() < whole or not changed else None

    return convert


def writer(kind, strict):
    """A function from a result of the user's function to a value for Arrow; None for no change."""
    types = pa.types
    if types.is_timestamp(kind):
        return instant
    if types.is_string(kind):
        return text if strict else java_text
    if types.is_decimal(kind):
        change = rounded(kind)
        return change
    if types.is_list(kind):
        element = writer(kind.value_type, strict) or same
        sequence = (list, tuple)
        if strict and element is same:
            return lambda value: list(value) if isinstance(value, sequence) else value
        return lambda value: (
            [element(item) for item in value] if isinstance(value, sequence) or hasattr(value, "tolist") else value if strict else None
        )
    if types.is_map(kind):
        key, item = writer(kind.key_type, strict) or same, writer(kind.item_type, strict) or same
        return lambda value: [(key(k), item(v)) for k, v in value.items()] if isinstance(value, dict) else value if strict else None
    if types.is_struct(kind):
        return structure([field.name for field in kind], [writer(field.type, strict) or same for field in kind])
    if strict:
        return None
    if types.is_boolean(kind):
        return lambda value: value if isinstance(value, bool) else plain_number(value) if type(value).__name__ == "bool" else None
    if types.is_integer(kind):
        return wrapped(kind.bit_width)
    if types.is_floating(kind):
        return lambda value: value if isinstance(value, float) else plain_number(value) if type(value).__name__ == "float32" else None
    if types.is_date(kind):
        return lambda value: value if value is None else datetime.date.fromordinal(value.toordinal())
    if types.is_binary(kind):
        return lambda value: value.encode() if isinstance(value, str) else value if isinstance(value, (bytes, bytearray)) else None
    return None


def structure(names, parts):
    def convert(value):
        if value is None:
            return None
        if isinstance(value, dict):
            return {name: part(value.get(name)) for name, part in zip(names, parts)}
        if isinstance(value, (tuple, list)):
            if getattr(value, "__from_dict__", False):
                return {name: part(value[name]) for name, part in zip(names, parts)}
            if len(value) != len(names):
                raise ValueError("%d fields are required while %d values are provided." % (len(names), len(value)))
            return {name: part(item) for name, part, item in zip(names, parts, value)}
        if hasattr(value, "__dict__"):
            return {name: part(value.__dict__.get(name)) for name, part in zip(names, parts)}
        raise ValueError("Unexpected tuple %r with StructType" % (value,))

    return convert


def array_of(values, kind, strict, from_pandas=False):
    change = writer(kind, strict)
    if change:
        values = [change(value) for value in values]
    if has_instants(kind):
        return pa.array(values, plain_type(kind), from_pandas=from_pandas).cast(kind)
    try:
        return pa.array(values, kind, from_pandas=from_pandas)
    except pa.ArrowException:
        if not strict:
            raise
        # Spark's second try: what Arrow makes of the values by itself, cast.
        return pa.array(values).cast(kind)


def has_instants(kind):
    types = pa.types
    if types.is_timestamp(kind):
        return True
    if types.is_map(kind):
        return has_instants(kind.key_type) or has_instants(kind.item_type)
    if types.is_list(kind):
        return has_instants(kind.value_type)
    return types.is_struct(kind) and any(has_instants(field.type) for field in kind)


def plain_type(kind):
    """The same with instants as numbers of microseconds."""
    types = pa.types
    if types.is_timestamp(kind):
        return pa.int64()
    if types.is_map(kind):
        return pa.map_(plain_type(kind.key_type), plain_type(kind.item_type))
    if types.is_list(kind):
        return pa.list_(pa.field("element", plain_type(kind.value_type)))
    if types.is_struct(kind):
        return pa.struct([pa.field(field.name, plain_type(field.type)) for field in kind])
    return kind


# Columns as pandas has them, and back.


def series(array, frames=False):
    """`frames`: a struct is a data frame."""
    import pandas

    array = one_array(array)
    types, kind = pa.types, array.type
    if types.is_timestamp(kind):
        local = pc.local_timestamp(array.cast(pa.timestamp("us", tz=Session.zone_name)))
        return local.to_pandas(coerce_temporal_nanoseconds=True)
    if types.is_struct(kind):
        if frames:
            parts = array.flatten()
            return pandas.concat([series(part).rename(field.name) for part, field in zip(parts, kind)], axis=1)
        names = [field.name for field in kind]
        parts = [reader(field.type) or same for field in kind]
        rows = [value and {n: part(value[n]) for n, part in zip(names, parts)} for value in array.to_pylist()]
        return pandas.Series(rows, dtype=object)
    if types.is_map(kind) or types.is_nested(kind) and reader(kind):
        return pandas.Series(objects(array), dtype=object)
    return array.to_pandas(date_as_object=True)


def frame(table, columns):
    import pandas

    made = {place: series(table.column(place)) for place in columns}
    result = pandas.DataFrame(made)
    result.columns = [table.field(place).name for place in columns]
    return result


def from_pandas(values, kind):
    import pandas

    types = pa.types
    if isinstance(values, pandas.DataFrame):
        parts = [from_pandas(column, field.type) for column, field in zip(chosen(values, list(kind)), kind)]
        return pa.StructArray.from_arrays(parts, fields=list(kind))
    if types.is_timestamp(kind):
        if values.dtype == object:
            return array_of([None if missing else value for value, missing in zip(values, values.isnull())], kind, True)
        made = one_array(pa.array(values, from_pandas=True))
        if made.type == pa.null() or getattr(made.type, "tz", None):
            return made.cast(kind, safe=False)
        made = made.cast(pa.timestamp("us"), safe=False)
        return pc.assume_timezone(made, Session.zone_name, ambiguous="earliest", nonexistent="latest").cast(kind)
    if types.is_nested(kind) or types.is_decimal(kind) or types.is_string(kind) and values.dtype == object:
        return array_of([None if missing(value) else value for value in values], kind, True, from_pandas=True)
    return one_array(pa.array(values, kind, from_pandas=True, safe=Session.safe))


def missing(value):
    return value is None or isinstance(value, (float, decimal.Decimal)) and value != value or type(value).__name__ in ("NAType", "NaTType")


def chosen(data, fields):
    """The columns of a data frame for these fields: by name if the names are texts, else by place."""
    if all(isinstance(name, str) for name in data.columns):
        names, wanted = list(data.columns), [field.name for field in fields]
        if sorted(names) != sorted(wanted):
            check_names(names, wanted)
        return [data[name] for name in wanted]
    if len(data.columns) != len(fields):
        raise refusal(
            "PySparkRuntimeError", "RESULT_COLUMN_SCHEMA_MISMATCH", expected=str(len(fields)), actual=str(len(data.columns))
        )
    return [data.iloc[:, place] for place in range(len(fields))]


def check_names(names, wanted):
    absent = sorted(set(wanted) - set(names))
    extra = sorted(set(names) - set(wanted))
    raise refusal(
        "PySparkRuntimeError",
        "RESULT_COLUMN_NAMES_MISMATCH",
        missing=" Missing: %s." % ", ".join(absent) if absent else "",
        extra=" Unexpected: %s." % ", ".join(extra) if extra else "",
    )


def table_from_pandas(data, schema):
    import pandas

    if not isinstance(data, pandas.DataFrame):
        raise expected_type("pandas.DataFrame", data)
    if len(data.columns) == 0 and len(data) == 0:
        return schema.empty_table()
    return pa.Table.from_arrays([from_pandas(c, f.type) for c, f in zip(chosen(data, list(schema)), schema)], schema=schema)


def table_from_frames(frames, schema):
    """The rows of many results: those of the same columns and types are converted together, since a conversion costs more than few rows."""
    import pandas

    tables, same = [], []
    for data in frames:
        if same and not (isinstance(data, pandas.DataFrame) and data.dtypes.equals(same[0].dtypes)):
            tables.append(table_from_pandas(pandas.concat(same, ignore_index=True), schema))
            same = []
        if isinstance(data, pandas.DataFrame) and len(data) and object not in data.dtypes.values:
            same.append(data)
        else:
            tables.append(table_from_pandas(data, schema))
    if same:
        tables.append(table_from_pandas(pandas.concat(same, ignore_index=True) if len(same) > 1 else same[0], schema))
    return pa.concat_tables(tables) if tables else schema.empty_table()


def table_from_arrow(data, schema):
    if isinstance(data, pa.RecordBatch):
        data = pa.Table.from_batches([data])
    if not isinstance(data, pa.Table):
        raise expected_type("pyarrow.Table", data)
    if len(data.schema) == 0 and data.num_rows == 0:
        return schema.empty_table()
    if sorted(data.schema.names) != sorted(schema.names):
        check_names(data.schema.names, schema.names)
    return pa.Table.from_arrays([data.column(field.name).cast(field.type) for field in schema], schema=schema)


def plain_number(value):
    """A number of numpy as Python's."""
    return value.item() if type(value).__module__ == "numpy" and hasattr(value, "item") and not getattr(value, "shape", ()) else value


def zone_named(name):
    """A zone's name, or an offset such as +02:00."""
    try:
        return zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError):
        return datetime.datetime.fromisoformat("2000-01-01T00:00:00" + name).tzinfo
