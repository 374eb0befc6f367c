"""The editor for lessons: forms, drafts, checks, publishing, and files.

form_fields   a lesson as the fields of a form; read this first
lesson_draft  the lesson that these fields describe, even if it is incomplete
linter        errors and advice; `question_advice`: questions that can be guessed
email_size    mails that Gmail would cut off
drafts        saves what was typed
publishing    publishes a lesson, for new and existing readers
history       earlier versions, and the differences between two
file_sync     syncs the files of a course with the database; `merge` resolves changes on both sides
pack          the format of course packs, one zip file each; `pack_transfer` exports and adds courses with it
"""
