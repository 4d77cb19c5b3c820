// What this machine can do at most, measured on as many threads as kernels use.
#pragma once
#include "api/peak.h"

#include <vector>

namespace gw {

struct Sampling {
    double seconds; // of one sample, about
    int samples;
};

// Each returns a rate per sample: operations, bytes or events per second of all threads together. All
// threads work at once, each for itself; the slowest ends the sample. Throws Interrupted.
std::vector<double> arithmetic_rates(const ArithmeticPeak&, Sampling);
std::vector<double> read_rates(const PeakKernels&, i64 bytes_per_thread, Sampling);
std::vector<double> region_rates(Sampling);  // empty parallel regions
std::vector<double> barrier_rates(Sampling); // meetings of more than one thread

} // namespace gw
