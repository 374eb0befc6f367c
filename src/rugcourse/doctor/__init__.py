"""Health checks of an installation: settings, servers, DNS, and what others see of us.

`report` defines findings, `checks` has a module for each subject, `runner` runs all checks concurrently, and
`saved_run` keeps what they found for the admin pages. They change nothing and send nothing.
"""
