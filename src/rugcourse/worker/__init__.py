"""Celery: the scheduler, queues and tasks. A task only says "look now"; the work itself is in the database."""
