"""Mail that comes back: bounces, complaints, and answers of machines.

`read` says what a message is, and nothing else; `take` finds the delivery that it is about and does what follows from
it; `listen` is the door by which it comes in. Nothing here ever answers.
"""
