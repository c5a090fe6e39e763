"""How good the models are beside other people's, on public data. Run by ``python3 run.py bench quality``; needed by
nothing else, and free of Django."""
