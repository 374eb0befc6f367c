"""Health checks of an installation: settings, servers, DNS, and what others see of us.

`report` says what a finding is, `checks` has a module for each subject, `runner` runs all of them at the same time.
Nothing here changes anything, and nothing is sent.
"""
