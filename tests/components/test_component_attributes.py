"""What each attribute of the component does."""
