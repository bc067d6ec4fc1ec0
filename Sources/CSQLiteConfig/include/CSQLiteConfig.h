#ifndef CSQLITECONFIG_H
#define CSQLITECONFIG_H

#include <sqlite3.h>

/// Says whether triggers fire for what this connection writes (sqlite3_db_config takes variable arguments, which Swift can't pass).
/// Statements that were prepared before are prepared again.
static inline int csqliteconfig_fire_triggers(sqlite3 *connection, int fires) {
    return sqlite3_db_config(connection, SQLITE_DBCONFIG_ENABLE_TRIGGER, fires, (int *)0);
}

#endif
