"""Pictures: how texts refer to them, what a file of one may be, and how an upload becomes one.

`reference`     the address of a picture in a text, which says its hash and size, so that rendering looks nothing up
`file_check`    whether a file is a picture as a course may hold it, without decoding it
`header`        type and size of a file, from its first bytes
`encoder`       an upload → files in the sizes of mails and pages, made in a process of its own
`picture_process`   that process; only it and `png_bands` load Pillow
`png_bands`     a large PNG, decoded band by band
`errors`        what can be wrong with a picture
"""
