"""The work that is measured. Each module is imported in the environment it measures, and nowhere else."""
