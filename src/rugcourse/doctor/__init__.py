"""Whether everything around the product is as it has to be: settings, servers, the DNS, and what others see of us.

`findings` says what a finding is; `machine`, `courses`, `mail_server`, `names` (the DNS) and `website` look, each at
its own; `visit` lets all of them look at the same time. Nothing here changes anything, and nothing is sent.
"""
