"""The load: a crowd of viewers on Locust, what it saw, and whether that agrees with the target's own record."""
