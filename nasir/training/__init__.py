"""Training networks on many pictures: what evaluators and strategies have in common."""
