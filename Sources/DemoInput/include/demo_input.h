// Input of the demo, compiled into the program: every flight that left New York City in January 2013, as gzip-compressed CSV with a header.
// Source: the nycflights13 data set (CC0), from the US Bureau of Transportation Statistics.
#ifndef PLATFORM_DEMO_INPUT_H
#define PLATFORM_DEMO_INPUT_H

#include <stddef.h>

/// The start of the compressed bytes, which live as long as the program; `count` receives how many they are.
const unsigned char *demo_input_flights(size_t *count);

#endif
