#ifndef CMEMORY_H
#define CMEMORY_H

/// Lets all threads of this process allocate from one heap. Threads that have a heap of their own already keep it.
void cmemory_keep_one_heap(void);

/// Gives the operating system back what the allocator keeps of freed memory (Swift's Glibc module leaves malloc.h out).
void cmemory_trim_heap(void);

/// Lets go of the program's and its libraries' pages of code and of data that nobody writes. They are pages of files: what is used again comes back
/// from the page cache at its first touch, the rest no longer counts as this process's. A start looks through every protocol conformance of the
/// program, and its first work through much of its code; at rest it needs a tenth of them. Nothing else changes, but that a debugger's breakpoints,
/// which lie in such pages, are lost.
void cmemory_release_program(void);

#endif
