#include "runtime/dispatch.h"
#include "runtime/cpu.h"

#include <atomic>
#include <cstdlib>
#include <stdexcept>

namespace gw {

namespace baseline {
extern const Kernels table;
}
#ifdef GATEWORK_HAVE_avx2
namespace avx2 {
extern const Kernels table;
}
#endif
#ifdef GATEWORK_HAVE_avx512
namespace avx512 {
extern const Kernels table;
}
#endif
#ifdef GATEWORK_HAVE_avx512_bf16
namespace avx512_bf16 {
extern const Kernels table;
}
#endif
#ifdef GATEWORK_HAVE_avx512_amx
namespace avx512_amx {
extern const Kernels table;
}
#endif

namespace {

// Tiles of registers are asked for last of all, and not for the sake of a lower level.
std::vector<const Kernels*> usable_tables([[maybe_unused]] bool tiles = true) {
    std::vector<const Kernels*> tables = {&baseline::table};
    [[maybe_unused]] const CpuFeatures cpu = cpu_features();
#ifdef GATEWORK_HAVE_avx2
    if (cpu.avx2_fma) tables.push_back(&avx2::table);
#endif
#ifdef GATEWORK_HAVE_avx512
    if (cpu.avx512) tables.push_back(&avx512::table);
#endif
#ifdef GATEWORK_HAVE_avx512_bf16
    if (cpu.avx512_vnni && cpu.avx512_bf16) tables.push_back(&avx512_bf16::table);
#endif
#ifdef GATEWORK_HAVE_avx512_amx
    if (tiles && cpu.avx512_vnni && cpu.amx && may_use_tiles())
        tables.push_back(&avx512_amx::table);
#endif
    return tables;
}

const Kernels* find(const std::string& name) {
    std::string known;
    for (const Kernels* table : usable_tables(false))
        if (name == table->isa) return table;
    for (const Kernels* table : usable_tables()) {
        if (name == table->isa) return table;
        known += known.empty() ? table->isa : std::string(", ") + table->isa;
    }
    throw std::invalid_argument("isa must be one of " + known + ", not '" + name + "'");
}

std::atomic<const Kernels*> current{nullptr};

} // namespace

const Kernels& kernels() { return *current.load(std::memory_order_relaxed); }

std::vector<std::string> available_isas() {
    std::vector<std::string> names;
    for (const Kernels* table : usable_tables()) names.emplace_back(table->isa);
    return names;
}

void set_isa(const std::string& name) {
    current.store(name.empty() ? usable_tables().back() : find(name), std::memory_order_relaxed);
}

} // namespace gw
