#ifndef CSPAWN_H
#define CSPAWN_H

#include <spawn.h>

/// Has the child close every descriptor from `first` on (glibc 2.34; Swift's Glibc module leaves GNU's own calls out).
int cspawn_close_from(posix_spawn_file_actions_t *actions, int first);

/// A pipe that no other child inherits, not even one that is started at this moment: pipe2 with O_CLOEXEC. −1 and errno on failure.
int cspawn_pipe(int ends[2]);

#endif
