"""What it costs: ``make bench``. Not collected by pytest; ``test_bench.py`` runs every section at a tiny size."""
