"""Opens and clicks: recorded only for readers who agreed, each judged to be by a human or a bot."""
