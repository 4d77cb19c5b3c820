#include "bindings/arrays.h"
#include "runtime/cpu.h"
#include "runtime/dispatch.h"
#include "runtime/memory.h"

#include <pybind11/stl.h>

#include <cstdlib>

namespace gw {
namespace {

void set_num_threads(i64 n) {
    if (n < 1 || n > 4096) fail("n", "between 1 and 4096", std::to_string(n));
    set_max_threads(static_cast<int>(n));
}

py::dict build_config() {
    py::dict config;
    config["version"] = GATEWORK_VERSION;
    config["compiler"] = GATEWORK_COMPILER;
    config["build_type"] = GATEWORK_BUILD_TYPE;
    config["sanitize"] = GATEWORK_SANITIZE;
#ifdef _OPENMP
    config["openmp"] = true;
    config["openmp_version"] = _OPENMP;
#else
    config["openmp"] = false;
    config["openmp_version"] = py::none();
#endif
    py::list levels;
    levels.append("baseline");
#ifdef GATEWORK_HAVE_avx2
    levels.append("avx2");
#endif
#ifdef GATEWORK_HAVE_avx512
    levels.append("avx512");
#endif
#ifdef GATEWORK_HAVE_avx512_bf16
    levels.append("avx512_bf16");
#endif
#ifdef GATEWORK_HAVE_avx512_amx
    levels.append("avx512_amx");
#endif
    config["isa_levels"] = py::tuple(levels);
    return config;
}

py::dict features() {
    const CpuFeatures cpu = cpu_features();
    py::dict found;
    found["sse42"] = cpu.sse42;
    found["avx2_fma"] = cpu.avx2_fma;
    found["avx512"] = cpu.avx512;
    found["avx512_vnni"] = cpu.avx512_vnni;
    found["avx512_bf16"] = cpu.avx512_bf16;
    found["amx"] = cpu.amx;
    return found;
}

} // namespace
} // namespace gw

void bind_runtime(pybind11::module_& m) {
    namespace py = pybind11;
    const char* wanted = std::getenv("GATEWORK_ISA");
    try {
        gw::set_isa(wanted == nullptr ? "" : wanted);
    } catch (const std::invalid_argument& error) {
        throw py::import_error(std::string("GATEWORK_ISA: ") + error.what());
    }
#if defined(__x86_64__)
    if (!gw::cpu_features().sse42)
        throw py::import_error("gatework needs a processor with SSE4.2 (x86-64-v2)");
#endif
    m.def("isa", [] { return std::string(gw::kernels().isa); });
    m.def("isa_available", &gw::available_isas);
    m.def("set_isa", [](const std::string& name) {
        if (name.empty()) gw::fail("isa", "a name", "''");
        gw::set_isa(name);
    }, py::arg("name"));
    m.def("vector_floats", [] { return gw::kernels().vector_floats; });
    m.def("num_threads", &gw::max_threads);
    m.def("set_num_threads", &gw::set_num_threads, py::arg("n"));
    m.def("build_config", &gw::build_config);
    m.def("cpu_features", &gw::features);
    m.def("blocks_asked_for", &gw::blocks_asked_for);
    m.def("release_memory", &gw::release_cached);
}
