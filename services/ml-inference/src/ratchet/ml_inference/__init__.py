"""Batched model inference over gRPC."""
