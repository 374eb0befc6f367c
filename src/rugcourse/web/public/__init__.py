"""Pages for visitors: the catalogue of courses, the knowledge test, signing up and confirming."""
