"""Everything that knows aiokafka: clients, topics, the group, transactions, and the KIP-447 extension."""
