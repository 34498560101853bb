"""`switchboard demo`: Kafka, a trained model, a worker and mail on this machine, until labels flow before the eyes."""
