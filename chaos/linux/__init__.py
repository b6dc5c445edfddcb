"""What the kernel of this machine is asked: processes, groups, namespaces, packets, queues."""
