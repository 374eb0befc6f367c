"""The admin pages, under /admin. `auth` enforces access; each route declares the role it requires."""
