#define _GNU_SOURCE
#include "CWriteback.h"
#include <fcntl.h>

int cwriteback_begin(int file) {
    // From the start to the end of the file.
    return sync_file_range(file, 0, 0, SYNC_FILE_RANGE_WRITE);
}
