"""What the doctor checks, a module for each subject."""
