"""A clinical named-entity model beside the rules: for names, places and professions that have no form.

Nothing here imports torch before a model is trained or loaded: the rules alone do without.
"""
