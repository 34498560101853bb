"""Trainings told to others: `tracker` for whoever trains, `mlflow_tracker` where MLflow is wanted."""
