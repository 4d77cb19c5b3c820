// Lanes of vectors in another order, and their sums. Included by simd.h.
#pragma once

namespace gw::GW_ISA {
namespace {

// 0, 1, ..., N - 1, as an argument of a template.
template <int... I> struct Numbers {};
template <int N, int... I> struct NumbersBelow : NumbersBelow<N - 1, N - 1, I...> {};
template <int... I> struct NumbersBelow<0, I...> {
    using type = Numbers<I...>;
};

// Lane i of the answer is lane From(i) of a, or, from kLanes on, of b.
template <int (*From)(int), int... I> GW_INLINE vf pick_lanes(vf a, vf b, Numbers<I...>) {
    return __builtin_shufflevector(a, b, From(I)...);
}
template <int (*From)(int)> GW_INLINE vf pick_lanes(vf a, vf b) {
    return pick_lanes<From>(a, b, typename NumbersBelow<kLanes>::type());
}

// Halves of a and b, element by element in turn: a0 b0 a1 b1 ...
constexpr int in_turn(int i) { return (i & 1) * kLanes + i / 2; }
constexpr int in_turn_from_middle(int i) { return in_turn(i) + kLanes / 2; }
GW_INLINE void interleave(vf& a, vf& b) {
    const vf first = pick_lanes<in_turn>(a, b), second = pick_lanes<in_turn_from_middle>(a, b);
    a = first;
    b = second;
}

// Rows become columns: each round interleaves the rows of one half with those of the other.
GW_INLINE void transpose(vf (&rows)[kLanes]) {
#pragma GCC unroll 4
    for (int round = 1; round < kLanes; round *= 2) {
        vf next[kLanes];
#pragma GCC unroll 8
        for (int i = 0; i < kLanes / 2; ++i) {
            next[2 * i] = rows[i];
            next[2 * i + 1] = rows[i + kLanes / 2];
            interleave(next[2 * i], next[2 * i + 1]);
        }
#pragma GCC unroll 16
        for (int i = 0; i < kLanes; ++i) rows[i] = next[i];
    }
}

// The sums of the lanes of each of x, in a tree like that of `transpose`.
GW_INLINE vf sum_each(vf (&x)[kLanes]) {
#pragma GCC unroll 4
    for (int count = kLanes / 2; count > 0; count /= 2) {
#pragma GCC unroll 8
        for (int i = 0; i < count; ++i) {
            interleave(x[i], x[i + count]);
            x[i] += x[i + count];
        }
    }
    return x[0];
}

// The largest of the lanes, none of them NaN.
template <int Width> constexpr int rotated(int i) { return (i + Width) & (kLanes - 1); }
template <int Width = kLanes / 2> GW_INLINE float max_lanes(vf x) {
    x = larger_number(pick_lanes<rotated<Width>>(x, x), x);
    if constexpr (Width > 1)
        return max_lanes<Width / 2>(x);
    else
        return x[0];
}

// Sum of the lanes, in a fixed order.
GW_INLINE float sum_lanes(vf x) {
    float lanes[kLanes];
    store(lanes, x);
    for (int width = kLanes / 2; width > 0; width /= 2)
        for (int i = 0; i < width; ++i) lanes[i] += lanes[i + width];
    return lanes[0];
}

} // namespace
} // namespace gw::GW_ISA
