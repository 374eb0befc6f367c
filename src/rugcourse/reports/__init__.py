"""Figures about campaigns and courses, and the dashboard."""
