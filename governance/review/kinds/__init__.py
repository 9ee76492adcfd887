"""What can be proposed: a module per kind, registered in `governance.review.registry`."""
