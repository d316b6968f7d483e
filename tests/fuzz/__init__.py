"""Hostile input: mutated files of every kind that the engine opens, each opened in a worker that is watched.

    python -m tests.fuzz                                  20,000 files over all kinds
    python -m tests.fuzz --kind tiff --case 1234          one of them again, by its number
    python -m tests.fuzz --write docs/benchmarks.md       and the table by kind

A file is either opened or refused by one of our errors in one line. A crash, more than 10 s, more than 2 GB, any
other exception, and any word of a library on stderr is a failure.
"""
