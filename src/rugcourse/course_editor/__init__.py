"""Writing lessons: what is typed, what is wrong with it, publishing it to those who are under way, and the files.

Read `fields` first: what a form holds, and the lesson it means. `checks` says what is wrong with it, `drafts` keeps it,
`publish` gives it to readers, `history` shows what they got before, `files` and `merge` keep `lessons/` and the store
in step.
"""
