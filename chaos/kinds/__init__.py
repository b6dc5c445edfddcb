"""What several kinds of faults have in common; each kind itself is a file of `chaos/faults/`."""
