"""Report: what a run is told in, on paper, in a browser and on a terminal; from its run directory and nothing else."""
