"""Figures beside a baseline of the same run: `make bench`, or `make bench ARGS="ingest replay"`.

A benchmark is a module here with `run() -> list[tuple[str, str, str, float]]`: what was measured, the figure,
the baseline and their ratio (more is better). Optional: `AIM`, what is strived for. Names with a leading
underscore are helpers.
"""
