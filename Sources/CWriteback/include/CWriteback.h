#ifndef CWRITEBACK_H
#define CWRITEBACK_H

/// Has the kernel begin to write out what is dirty of a file, and does not wait for it (sync_file_range(2), Linux's own; Swift's Glibc module
/// leaves it out). It makes nothing durable. 0, or −1 and errno.
int cwriteback_begin(int file);

#endif
