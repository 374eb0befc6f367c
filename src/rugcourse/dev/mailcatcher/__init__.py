"""A mail server for rehearsals: keeps every mail in a folder and shows it on a page. Never for production."""
