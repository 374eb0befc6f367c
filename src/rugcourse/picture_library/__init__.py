"""The pictures of an installation: uploading, keeping, finding and deleting them.

`storing`   an upload, or the files of a course, become pictures that texts can show
`stored_files`   their bytes in a folder or bucket: writing, moving, cleaning up
`files`     the file of a picture in one width, made when it is first asked for
`usage`     which texts show a picture; one that none shows can be deleted
"""
