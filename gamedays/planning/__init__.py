"""Planning: what can be known of a plan before its first packet: mistakes, timeline, whether it can be decided."""
