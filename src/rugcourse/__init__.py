"""rugcourse: courses by e-mail, one lesson a day, at the reader's own hour."""

__version__ = "0.1.0"
