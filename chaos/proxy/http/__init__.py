"""HTTP/1.1 on a tunnel: its requests and answers told apart, so that toxics can strike single requests."""
