// Rows of floats as the left operand of products, in whatever words these read.
#pragma once
#include "kernels/bfloat16.h"
#include "kernels/int8.h"
#include "kernels/operand.h"
#include "runtime/memory.h"

namespace gw::GW_ISA {
namespace {

inline i64 word_count(Words words, i64 k) {
    return words == Words::floats ? k : words == Words::pairs ? pair_words(k) : byte_words(k);
}

// Rows as a product reads them: k words each.
struct ProductRows {
    const float* data;
    i64 row, k;
};

// The left operand of products: the rows themselves, or what is made of them in memory of this object.
class OperandRows {
  public:
    OperandRows() = default;
    OperandRows(Words words, i64 rows, i64 columns)
        : kind_(words), row_(row_words(words, columns)),
          words_(words == Words::floats ? 0 : rows * row_) {}

    // `rows` rows of `columns`, the first of them kept at place `first` of this object.
    ProductRows of(const float* x, i64 x_row, i64 rows, i64 columns, i64 first = 0) const {
        for (i64 i = 0; i < rows && kind_ != Words::floats; ++i) {
            float* words = words_.get() + (first + i) * row_;
            if (kind_ == Words::pairs)
                pair_row(x + i * x_row, columns, words);
            else
                quantize_row(x + i * x_row, columns, words);
        }
        return made(x, x_row, columns, first);
    }
    // The same again, of rows that have not changed since.
    ProductRows made(const float* x, i64 x_row, i64 columns, i64 first = 0) const {
        if (kind_ == Words::floats) return {x, x_row, columns};
        return {words_.get() + first * row_, row_, word_count(kind_, columns)};
    }

  private:
    // Off multiples of 512 bytes, where rows would meet in a few sets of the cache.
    static i64 row_words(Words kind, i64 columns) {
        const i64 words =
            round_up(kind == Words::bytes ? left_words(columns) : word_count(kind, columns), 16);
        return words % 128 == 0 ? words + 16 : words;
    }
    Words kind_ = Words::floats;
    i64 row_ = 0;
    Floats words_;
};

} // namespace
} // namespace gw::GW_ISA
