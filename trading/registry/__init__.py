"""Identity of assets, venues and markets."""
