"""A site of its own under raters, kills, activations and rollbacks at once, and what became of every rating."""
