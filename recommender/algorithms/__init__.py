"""What to show to whom, as mathematics: numpy and numba, no Django, no clock, no environment."""
