"""Measures what readers know: the knowledge test, answers to quizzes, and spaced repetition of missed questions."""
