#ifndef CSQLITECONFIG_H
#define CSQLITECONFIG_H

#include <malloc.h>
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

/// Lets all threads of this process allocate from one heap. Threads that have a heap of their own already keep it.
static inline void csqliteconfig_keep_one_heap(void) { mallopt(M_ARENA_MAX, 1); }

/// Gives the operating system back what the allocator keeps of freed memory (Swift's Glibc module leaves malloc.h out).
static inline void csqliteconfig_trim_heap(void) { malloc_trim(0); }

#endif
