"""Runs suites of benchmarks, and gathers what they find in tables for people and rows for programs.

A suite is a folder beside this one with a `suite.py`, which has `CASES`: functions by their names, each of which gets a
`Bench`, and a file `programs`, which names what is built for it. Standard library only. It needs root.
"""
