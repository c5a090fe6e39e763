"""Django's SQLite, in which whoever waits to write soon gets their turn."""
