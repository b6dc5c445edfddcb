"""Gate: `flashcrowd slo check`: objectives and budgets judged at a Prometheus, beside a baseline, and their reports."""
