"""The scheduler and the senders, run by Celery. A task is a doorbell: what is to be done stands in the database."""
