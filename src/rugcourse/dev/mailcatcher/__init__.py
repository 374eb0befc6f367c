"""A mail server for demos and tests: keeps every mail in a folder and shows it on a page. Never for production."""
