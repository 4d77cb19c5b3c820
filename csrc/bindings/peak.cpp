#include "bindings/arrays.h"
#include "runtime/dispatch.h"
#include "runtime/peak.h"

#include <pybind11/stl.h>

namespace gw {
namespace {

using Rates = std::optional<std::vector<double>>;

Rates peak(const std::string& what, double seconds, i64 samples, i64 size) {
    if (!(seconds > 0.0 && seconds <= 1.0)) // the longest time without a look at Ctrl-C
        fail("seconds", "above 0 and at most 1", std::to_string(seconds));
    if (samples < 1 || samples > 1000) fail("samples", "between 1 and 1000", std::to_string(samples));
    const i64 most = i64(1) << 40;
    if (what == "read" && (size < 1 || size > most))
        fail("size", "between 1 and " + std::to_string(most), std::to_string(size));
    const Sampling sampling = {seconds, static_cast<int>(samples)};
    const PeakKernels& kernel = kernels().peak;
    Rates rates;
    const auto arithmetic = [&](const ArithmeticPeak& p) {
        if (p.run != nullptr) run_kernel([&] { rates = arithmetic_rates(p, sampling); });
    };
    if (what == "fma_f32")
        arithmetic(kernel.fma_f32);
    else if (what == "dot_bf16")
        arithmetic(kernel.dot_bf16);
    else if (what == "dot_int8")
        arithmetic(kernel.dot_int8);
    else if (what == "tile_bf16")
        arithmetic(kernel.tile_bf16);
    else if (what == "tile_int8")
        arithmetic(kernel.tile_int8);
    else if (what == "read")
        run_kernel([&] { rates = read_rates(kernel, size, sampling); });
    else if (what == "region")
        run_kernel([&] { rates = region_rates(sampling); });
    else if (what == "barrier") {
        if (max_threads() > 1) run_kernel([&] { rates = barrier_rates(sampling); });
    } else
        fail("what", "one of fma_f32, dot_bf16, dot_int8, tile_bf16, tile_int8, read, region, barrier", "'" + what + "'");
    return rates;
}

} // namespace
} // namespace gw

void bind_peak(pybind11::module_& m) {
    namespace py = pybind11;
    m.def("peak", &gw::peak, py::arg("what"), py::arg("seconds"), py::arg("samples"),
          py::arg("size") = 0);
}
