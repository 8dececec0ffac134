"""The one index of n-grams and near neighbours: clean-up, gate, export and measure all ask it."""
