"""chainrule: neural networks that people can see through."""
