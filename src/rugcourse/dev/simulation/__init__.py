"""Simulates a whole course for many readers in minutes, with the production code and a clock that jumps.

people          the readers and what they will do, generated from a seed
events          what is going to happen, in order
mail_transport  receives their mail, in this process
simulator       advances the clock, plans, sends, lets people act, and counts
"""
