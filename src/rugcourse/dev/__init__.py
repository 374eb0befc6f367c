"""For development and rehearsals: the demo, a mail catcher, a preview of lessons, simulated readers."""
