// The bytes of the file beside this one; see demo_input.h.
#include "demo_input.h"

// `#embed` is C23, which clang knows as an extension everywhere.
#pragma clang diagnostic ignored "-Wc23-extensions"

static const unsigned char flights[] = {
#embed "flights-2013-01.csv.gz"
};

const unsigned char *demo_input_flights(size_t *count) {
    *count = sizeof flights;
    return flights;
}
