"""For development and rehearsals only: the demo, a mail catcher, a preview of lessons, simulated readers."""
