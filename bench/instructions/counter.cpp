// Tells callgrind when to count. Outside of valgrind these do nothing.
#include <valgrind/callgrind.h>

extern "C" {

void start_counting() { CALLGRIND_START_INSTRUMENTATION; }
void begin() { CALLGRIND_ZERO_STATS; }
void end(const char* name) { CALLGRIND_DUMP_STATS_AT(name); }
}
