"""Models and weights of other frameworks, both ways. Each module needs its framework's package."""
