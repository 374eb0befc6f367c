"""Records opens and clicks of readers who agreed to measuring, and decides whether a human or a bot did them."""
