"""Watchlists: named, ordered lists of assets that an account keeps."""
