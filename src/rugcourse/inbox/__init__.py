"""A mail server for rehearsals: takes every mail, keeps it in a folder, and shows it on a page. Never for production."""
