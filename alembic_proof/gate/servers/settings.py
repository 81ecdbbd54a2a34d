"""Owns the settings of a throw-away server."""

SETTINGS = {
    "max_connections": "300",
    "max_locks_per_transaction": "256",
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "autovacuum": "off",
    "checkpoint_timeout": "1h",
    "max_wal_size": "4GB",
    "dynamic_shared_memory_type": "mmap",
    "log_lock_waits": "on",
    "jit": "off",
    "TimeZone": "UTC",
    "log_timezone": "UTC",
}
"""Server parameters for data that nobody will miss.

The write-ahead log keeps its default level, because ``wal_level = minimal`` changes what DDL does;
autovacuum is off so that every lock and scan observed is the migration's own.
"""
