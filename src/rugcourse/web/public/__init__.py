"""Pages for visitors: the catalogue of courses, the knowledge test, signup and confirmation."""
