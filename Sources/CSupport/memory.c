// Memory that goes back to the system; see csupport.h.
#define _GNU_SOURCE
#include "csupport.h"
#include <stdlib.h>
#if defined(__linux__)
#include <link.h>
#include <sys/mman.h>
#include <unistd.h>
#endif
#if defined(__GLIBC__)
#include <malloc.h>
#endif

void csupport_return_freed(void) {
#if defined(__GLIBC__)
    malloc_trim(0);
#endif
}

#if defined(__linux__)
static int release_segments(struct dl_phdr_info *program, size_t size, void *unused) {
    (void)size; (void)unused;
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
    for (int place = 0; place < program->dlpi_phnum; place++) {
        const ElfW(Phdr) *segment = &program->dlpi_phdr[place];
        if (segment->p_type != PT_LOAD || (segment->p_flags & PF_W)) continue;
        uintptr_t start = (program->dlpi_addr + segment->p_vaddr) & ~(page - 1);
        // The last page is left alone: a segment that may be written could share it.
        uintptr_t end = (program->dlpi_addr + segment->p_vaddr + segment->p_memsz) & ~(page - 1);
        // What it answers does not matter: the pages are gone or they are not.
        if (end > start) (void)madvise((void *)start, end - start, MADV_DONTNEED);
    }
    // The program comes first; libraries are left as they are.
    return 1;
}
#endif

void csupport_release_program(void) {
#if defined(__linux__)
    dl_iterate_phdr(release_segments, NULL);
#endif
}
