"""A mail server for demos and tests: stores every mail in a folder and shows it on a page. Not for production."""
