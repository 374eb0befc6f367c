"""What readers know: the knowledge test, answers to quizzes, and the missed questions that come back."""
