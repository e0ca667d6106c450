// The system's zlib (package zlib1g-dev), for gzip-compressed job inputs.
#include <zlib.h>
