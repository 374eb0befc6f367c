"""The pages of those who run the courses, under /admin. Each says at its top which role it needs."""
