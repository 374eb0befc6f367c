"""Where the bytes of pictures are, if not in the database: a folder, or a bucket that speaks S3.

`storage`   what each of them does, the keys of files, and what can go wrong
`folder`    a folder, perhaps on another disk
`bucket`    a bucket; the only module that loads obstore, when the first picture is asked for
`opening`   a setting becomes one of them

A key is a hash, a width and random digits, never a word of somebody else's, so it can name nothing outside. Each file
that is written has a key of its own and is never changed: no clean-up can meet somebody who is just writing the same
picture.
"""
