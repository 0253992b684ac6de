"""How syncs fare: `status`, `history` and `report`. What decides is pure; I/O is in few files."""
