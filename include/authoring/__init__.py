"""What a person does to add a model: draft its file from data, describe it, try it, remove it."""
