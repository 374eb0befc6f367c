"""A rehearsal of a whole course for many readers, in minutes, on a clock that jumps, through the code of production.

people          who the readers are and what they will do, made from a seed
mail_transport  where their mail arrives, in this process
simulator       turns the clock, plans, sends, lets people act, and counts
"""
