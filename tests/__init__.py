"""A package, for an installed distribution brings one of the same name, which would otherwise be found first."""
