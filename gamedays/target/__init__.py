"""Target: what the embedded target is made of: its addresses, its description as a target file, and its caretaker."""
