"""The online half of Switchboard: Kafka in, labels and churn probabilities out, exactly once."""
