#ifndef CSQLITECONFIG_H
#define CSQLITECONFIG_H

#include <sqlite3.h>

/// Says whether triggers fire for what this connection writes (sqlite3_db_config takes variable arguments, which Swift can't pass).
/// Statements that were prepared before are prepared again.
static inline int csqliteconfig_fire_triggers(sqlite3 *connection, int fires) {
    return sqlite3_db_config(connection, SQLITE_DBCONFIG_ENABLE_TRIGGER, fires, (int *)0);
}

/// Turns off SQLite's count of the memory it has, which takes a mutex at each allocation; tallyd asks the operating system. To be called
/// before the first connection; afterwards it changes nothing.
static inline int csqliteconfig_count_no_memory(void) {
    return sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
}

#endif
