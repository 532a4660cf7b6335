"""Faults that are switched on by hand, so that clients can prove that they survive them.

The exchange's books stay right under each of them: a fault changes what a client hears, or (partial fills,
rejected orders) asks the exchange for something that it may do by its own rules. Switches live in memory; a
restart ends them all.
"""
