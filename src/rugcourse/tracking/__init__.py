"""What happens to a mail after it arrived, and whether a human or a machine did it."""
