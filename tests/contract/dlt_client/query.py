"""Asks a DuckDB database and prints the rows of each answer as one line of JSON: `python query.py DATABASE SQL...`."""

import json
import sys

import duckdb


def main(database: str, *questions: str) -> None:
    """One line for each question."""
    with duckdb.connect(database, read_only=True) as connection:
        for question in questions:
            print(json.dumps(connection.execute(question).fetchall(), default=str))


if __name__ == "__main__":
    main(*sys.argv[1:])
