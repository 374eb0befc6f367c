"""For development and simulation only: the demo, a mail catcher, a preview of lessons, simulated readers."""
