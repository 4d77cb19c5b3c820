// Where values lie in one block of memory that they share over time.
#pragma once
#include <cstddef>
#include <vector>

namespace gw {

class ArenaPlan {
  public:
    // Offset of a new piece: the smallest gap that it fits into, else the end.
    std::size_t take(std::size_t bytes);
    void give_back(std::size_t offset, std::size_t bytes);
    std::size_t bytes() const { return end_; }

  private:
    struct Gap {
        std::size_t begin, end;
    };
    static std::size_t rounded(std::size_t bytes) { return (bytes + 63) / 64 * 64; }

    std::vector<Gap> gaps_; // by their begin, none touching another
    std::size_t end_ = 0;
};

} // namespace gw
