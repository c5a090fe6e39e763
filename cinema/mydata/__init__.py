"""What a person may do with all that is theirs: take it along, and take it away."""
