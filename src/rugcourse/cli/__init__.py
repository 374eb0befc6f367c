"""The command line. A command reads its arguments, calls one function and prints the result.

Exit codes: 0 all is well; 1 the answer is "no" (a mistake in a lesson, books that don't balance, nobody found);
2 it could not be done (wrong settings, no database, a busy port).
"""

from rugcourse.cli.main import main

__all__ = ["main"]
