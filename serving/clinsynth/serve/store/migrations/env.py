"""Alembic's entry: runs the migrations on the connection that ``Database`` brings, in its transaction."""

from alembic import context

from clinsynth.serve.store.tables import METADATA

context.configure(connection=context.config.attributes["connection"], target_metadata=METADATA)
context.run_migrations()
