"""Statements that are built once, and run without what SQLAlchemy does anew each time: that costs more than the driver.

SQLAlchemy writes the SQL and says, by its types, how values go in and come out. ``Session`` runs it on the driver's
connection, of which the pool and the transaction stay SQLAlchemy's.
"""

import copy
from collections import namedtuple
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, NoReturn, Protocol

import sqlalchemy as sa
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.types import TypeEngine

from bot.store.answering import AnsweringConnection
from bot.store.direct import Answer
from bot.store.errors import translated

Process = Callable[[Any], Any]
Values = Mapping[str, Any]
_Slot = tuple[str, Process | None, Any]
"""A parameter: the name of the value that goes in and what its type makes of it, or what always goes in."""


class Row(Protocol):
    """A row by its columns' names; SQLAlchemy's are such too."""

    def __getattr__(self, column: str) -> Any: ...

    def _asdict(self) -> dict[str, Any]: ...


class Statement:
    """A statement for the verbs of ``Session``; what varies is a bound parameter.

    ``names`` are the columns that an INSERT or UPDATE sets from parameters of the same name.
    """

    def __init__(self, written: sa.Executable, names: Sequence[str] = ()) -> None:
        self.written = written
        self._names = tuple(names)
        self._compiled: dict[str, Compiled] = {}

    def on(self, dialect: sa.Dialect) -> "Compiled":
        """As this database understands it; compiled the first time."""
        compiled = self._compiled.get(dialect.name)
        if compiled is None:  # two threads at once make the same
            compiled = self._compiled[dialect.name] = Compiled(self.written, self._names, dialect)
        return compiled


class Compiled:
    """A statement in a database's words, and what happens to the values on their way in and out."""

    def __init__(self, written: Any, names: Sequence[str], dialect: sa.Dialect) -> None:
        compiled: SQLCompiler = written.compile(dialect=_positional(dialect), column_keys=list(names))
        if compiled.literal_execute_params or compiled.post_compile_params:
            raise TypeError(f"SQLAlchemy has to write this anew for its values: {compiled}")
        prefetched: Sequence[Any] = compiled.insert_prefetch
        defaults = {column.key: column.default.arg for column in prefetched}
        self.text = compiled.string
        self.encoded = self.text.encode()
        filled: dict[str, _Slot] = {}
        for parameter, name in compiled.bind_names.items():
            check = parameter.type.dialect_impl(dialect).bind_processor(dialect)
            if parameter.required:
                filled[name] = (name, check, None)
            else:
                value = defaults.get(name, parameter.value)
                filled[name] = ("", None, value if check is None else check(value))
        self._slots = [filled[name] for name in compiled.positiontup or ()]
        self._read = _reader(written.exported_columns, dialect)

    def bound(self, values: Values) -> list[Any]:
        """The parameters for the driver, by position. Raises ValueError for what a column's type refuses."""
        return [
            fixed if not name else values[name] if check is None else check(values[name])
            for name, check, fixed in self._slots
        ]

    def rows(self, found: Sequence[tuple[Any, ...]]) -> list[Any]:
        """What the driver found, as named tuples of what the columns' types make of it."""
        return [self._read(row) for row in found]


def _positional(dialect: sa.Dialect) -> sa.Dialect:
    """One that writes parameters by position: psycopg's own names need to be read again each time."""
    if dialect.positional:
        return dialect
    numbering: Any = copy.copy(dialect)
    numbering.paramstyle, numbering.positional = "numeric_dollar", True
    numbering.identifier_preparer = numbering.preparer(numbering)  # doubles no percent signs any more
    writing: sa.Dialect = numbering
    return writing


def _reader(columns: Any, dialect: sa.Dialect) -> Callable[[tuple[Any, ...]], Any]:
    """Makes a row of a driver's."""
    row: Any = namedtuple("Row", [column.key for column in columns], rename=True)  # type: ignore[misc]
    make: Callable[[Sequence[Any]], Any] = row._make
    types: list[TypeEngine[Any]] = [column.type for column in columns]
    processes = [type_.dialect_impl(dialect).result_processor(dialect, None) for type_ in types]
    changed = [(place, process) for place, process in enumerate(processes) if process is not None]
    if not changed:
        return make

    def read(row: tuple[Any, ...]) -> Any:
        values = list(row)
        for place, process in changed:
            values[place] = process(values[place])
        return make(values)

    return read


class Runner:
    """Runs statements in the transaction of a connection."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection
        self._dialect = connection.dialect
        self._cursor: Any = None

    def rows(self, statement: Statement, values: Values) -> list[Any]:
        """What it returns. Raises StoreUnavailable and ValueError, as ``errors.translated``."""
        compiled = statement.on(self._dialect)
        return compiled.rows(self._run(compiled, values).rows)

    def count(self, statement: Statement, values: Values) -> int:
        """How many rows it wrote. Raises as ``rows``."""
        return self._run(statement.on(self._dialect), values).rowcount

    def begin(self) -> datetime | None:
        """The server's time, where it can be had by beginning the transaction now. Raises as ``rows``."""
        connection = self._connection.connection.driver_connection
        if not isinstance(connection, AnsweringConnection):
            return None
        try:
            return connection.direct.begin()
        except BaseException as error:
            self._failed("BEGIN", error)

    def _run(self, compiled: Compiled, values: Values) -> Answer:
        bound = compiled.bound(values)
        try:
            return self._execute(compiled, bound)
        except BaseException as error:
            self._failed(compiled.text, error)

    def _execute(self, compiled: Compiled, bound: list[Any]) -> Answer:
        connection = self._connection.connection
        driver = connection.driver_connection
        if isinstance(driver, AnsweringConnection):
            return driver.direct.run(compiled.encoded, bound)
        if self._cursor is None:
            self._cursor = connection.cursor()
        self._cursor.execute(compiled.text, bound)
        return Answer(self._cursor.fetchall(), self._cursor.rowcount)

    def _failed(self, text: str, error: BaseException) -> NoReturn:
        """SQLAlchemy sees whether the connection is broken, and gives it up then, with the others of its pool."""
        drivers = isinstance(error, self._dialect.loaded_dbapi.Error)
        with translated():
            self._connection._handle_dbapi_exception(error, text if drivers else None, None, self._cursor, None)
        raise error
