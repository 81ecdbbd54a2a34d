"""What PostgreSQL does: predicted effects, types, versions."""
