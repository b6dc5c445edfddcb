"""Lint: what is wrong or doubtful in runbooks, found before the page that a tired person needs at 3 a.m."""
