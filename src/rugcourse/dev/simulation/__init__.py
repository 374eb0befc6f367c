"""Plays a whole course for many readers in minutes, on a clock that jumps, through the same code as in earnest.

people   who the readers are and what they will do, made from a seed
post     where their mail arrives, in this process
run      turns the clock, plans, sends, lets people act, and counts
"""
