"""The languages that a course can be in: those that the words around the lessons are written in."""

LANGUAGES = ("nl", "en")
