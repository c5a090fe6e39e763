"""How fast CINÉMA is, measured beside others on the same machine in the same run: ``python3 run.py bench``."""
