"""Figures for the admin pages: campaign results and comparisons, course statistics, the dashboard, remarks."""
