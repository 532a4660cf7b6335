"""What operators and other services ask: REST, gRPC, orders by hand, emergencies, the kill switch."""
