"""The pages of those who run the courses, under /admin. `auth` decides who is let in; each route names its role."""
