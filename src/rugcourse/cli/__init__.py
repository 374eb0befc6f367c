"""The command line. A command reads its arguments, calls one function and prints the result.

Exit codes: 0 success; 1 the result is negative (a mistake in a lesson, an audit with findings, nobody found);
2 the command could not run (wrong settings, no database, a busy port).
"""

from rugcourse.cli.main import main

__all__ = ["main"]
