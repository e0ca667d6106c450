// The few things that Swift cannot say well: CRC-32C by the processor's own instruction, the file calls behind durability, and memory that goes back.
// Nothing here allocates, logs or keeps state. Errors are returned as errno values; 0 is success.
#ifndef PLATFORM_CSUPPORT_H
#define PLATFORM_CSUPPORT_H

#include <stddef.h>
#include <stdint.h>

/// CRC-32C (Castagnoli) of `length` bytes, continuing from `crc` (0 to start). Hardware where there is any.
uint32_t csupport_crc32c(uint32_t crc, const void *bytes, size_t length);

/// The same by table: the reference that the hardware path is tested against.
uint32_t csupport_crc32c_table(uint32_t crc, const void *bytes, size_t length);

/// Makes a file's content durable. 0 or errno.
int csupport_fdatasync(int fd);

/// Has the system begin to bring a part of a file to the disk, without waiting for it; nothing is durable by that.
void csupport_start_writing(int fd, int64_t offset, int64_t length);

/// Reserves room without changing the file's size, so that a full disk shows before the write. 0 or errno (EOPNOTSUPP is reported as 0).
int csupport_reserve(int fd, int64_t offset, int64_t length);

/// Takes an exclusive advisory lock without waiting. 0 or errno (EWOULDBLOCK: another process holds it).
int csupport_lock(int fd);

/// Stores a number into memory that somebody else may read after this process has ended.
void csupport_store(int64_t *place, int64_t value);

/// Names the calling thread for debuggers and `top`; at most 15 bytes are kept.
void csupport_name_thread(const char *name);

/// Gives memory that was freed back to the system, which the allocator would keep for later. Takes a millisecond after a peak. Any thread.
void csupport_return_freed(void);

/// Lets go of the pages of the program file that are mapped and may not be written: those that are used come back from the file's cache, those that
/// only the start needed do not. Any thread.
void csupport_release_program(void);

#endif
