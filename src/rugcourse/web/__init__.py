"""The pages that visitors and readers see. A view reads what came in, calls one function, and shows the result."""
