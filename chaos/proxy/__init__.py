"""The TCP fault proxy, a process of its own: its API above relays, tunnels, links and toxics."""
