// The bytes of the file beside this one; see demo_input.h.
#include "demo_input.h"

const unsigned char demo_input_flights[] = {
#embed "flights-2013-01.csv.gz"
};
const size_t demo_input_flights_bytes = sizeof demo_input_flights;
