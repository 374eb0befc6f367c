"""The editor for lessons: forms, drafts, checks, publishing, and files.

form_fields   a lesson as the fields of a form; read this first
lesson_draft  the lesson that these fields mean, also while it is not complete
linter        what is wrong with it, and what could be better
drafts        keeps what was typed
publishing    gives a lesson to readers, also to those who are under way
history       earlier versions, and what differs between two
file_sync     keeps the files of a course and the database in step; `merge` says what becomes of two changes
"""
