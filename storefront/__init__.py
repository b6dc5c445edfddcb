"""The embedded target: a small live-commerce platform of real processes, to be rehearsed against like any other."""
