"""Indicator groups, one per file.

A group has `COLUMNS` (the names of its features), `ROWS` (how many state rows it owns) and the kernel
`update(bar, present, count, s, out, c)`: `bar` [5, N] open, high, low, close, volume; `present` [N];
`count` [N] bars seen before this one; `s` [ROWS, N] its state, zero at first; `out` [F, N] the table,
whose row `c` is the group's first. It writes NaN until a feature's window is full.
"""
