"""What is live, by decision of a person: records of two topics in, loaded models out to the engine, between windows."""
