"""Measures what the product promises. `make bench` prints the figures and writes them to var/bench.json.

Machines are noisy, so speed is told as a ratio of two things measured in turns in the same run.
"""
