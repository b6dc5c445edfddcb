"""HLS as a player speaks it (RFC 8216), without I/O: playlists, the choice of a rendition, the buffer, the player."""
