#include "inference/arena.h"

#include <algorithm>

namespace gw {

std::size_t ArenaPlan::take(std::size_t bytes) {
    const std::size_t size = rounded(bytes);
    auto best = gaps_.end();
    for (auto gap = gaps_.begin(); gap != gaps_.end(); ++gap) {
        const std::size_t room = gap->end - gap->begin;
        if (room >= size && (best == gaps_.end() || room < best->end - best->begin)) best = gap;
    }
    if (best == gaps_.end()) {
        const std::size_t begin = end_;
        end_ += size;
        return begin;
    }
    const std::size_t begin = best->begin;
    best->begin += size;
    if (best->begin == best->end) gaps_.erase(best);
    return begin;
}

void ArenaPlan::give_back(std::size_t offset, std::size_t bytes) {
    const std::size_t size = rounded(bytes);
    if (size == 0) return;
    auto next = std::find_if(gaps_.begin(), gaps_.end(), [&](const Gap& gap) { return gap.begin > offset; });
    next = gaps_.insert(next, {offset, offset + size});
    if (next + 1 != gaps_.end() && (next + 1)->begin == next->end) {
        next->end = (next + 1)->end;
        gaps_.erase(next + 1);
    }
    if (next != gaps_.begin() && (next - 1)->end == next->begin) {
        (next - 1)->end = next->end;
        gaps_.erase(next);
    }
}

} // namespace gw
