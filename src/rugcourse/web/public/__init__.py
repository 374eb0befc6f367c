"""Pages for visitors: the catalogue, signing up, the test before a course."""
