// File calls behind durability; see csupport.h.
#define _GNU_SOURCE
#include "csupport.h"
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

int csupport_fdatasync(int fd) {
#if defined(__APPLE__)
    return fcntl(fd, F_FULLFSYNC) == -1 ? errno : 0;
#else
    return fdatasync(fd) == -1 ? errno : 0;
#endif
}

void csupport_start_writing(int fd, int64_t offset, int64_t length) {
#if defined(__linux__)
    // Advice: a sync tells what failed.
    (void)sync_file_range(fd, offset, length, SYNC_FILE_RANGE_WRITE);
#else
    (void)fd; (void)offset; (void)length;
#endif
}

int csupport_reserve(int fd, int64_t offset, int64_t length) {
#if defined(__linux__)
    if (fallocate(fd, FALLOC_FL_KEEP_SIZE, offset, length) == 0) return 0;
    return errno == EOPNOTSUPP ? 0 : errno;
#else
    (void)fd; (void)offset; (void)length;
    return 0;
#endif
}

void csupport_store(int64_t *place, int64_t value) {
    *(volatile int64_t *)place = value;
}

int csupport_lock(int fd) {
    return flock(fd, LOCK_EX | LOCK_NB) == -1 ? errno : 0;
}

void csupport_name_thread(const char *name) {
#if defined(__linux__)
    char short_name[16];
    strncpy(short_name, name, 15);
    short_name[15] = 0;
    pthread_setname_np(pthread_self(), short_name);
#else
    (void)name;
#endif
}
