"""Celery: the scheduler, queues and tasks. A task only says "look now"; the database says what is to be done."""
