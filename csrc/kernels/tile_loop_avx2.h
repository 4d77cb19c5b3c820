// The inner loop of a tile of two vectors, written by hand for 16 registers.
//
// A core runs two multiplications a cycle if nothing else takes the slots of its decoder: six rows need
// 12 FMAs, 6 broadcasts and 2 loads for each k, which leaves 4 of the 24 slots of 6 cycles. The compiler's
// loop takes all 24 (it counts and moves three pointers for each k) and, when it unrolls, keeps sums on the
// stack. Another guest on the same core takes half of the slots, and then they are what limits a tile. Four
// k's for one count and two moves are 20.75.
#pragma once

namespace gw::GW_ISA {
namespace {

template <int Rows, int Vectors> constexpr bool kHasTileLoop = Vectors == 2 && Rows >= 3;

// rax: a; rdx, r8, r9: 1, 3 and 5 steps between its rows, or between its columns where they are rows in
// memory; rdi: 4 of them. rcx: b; r10, r11: 1 and 3 of its rows. rsi: fours of k that are left.
// ymm12: a value of a; ymm14, ymm15: a row of b. The sums of row r are operands 2r and 2r + 1.
#define GW_ROW(first, second, a)                                                                       \
    "vbroadcastss " a ", %%ymm12\n\t"                                                                  \
    "vfmadd231ps %%ymm14, %%ymm12, %" #first "\n\t"                                                    \
    "vfmadd231ps %%ymm15, %%ymm12, %" #second "\n\t"
#define GW_ROWS_3(a0, a1, a2, a3, a4, a5) GW_ROW(0, 1, a0) GW_ROW(2, 3, a1) GW_ROW(4, 5, a2)
#define GW_ROWS_4(a0, a1, a2, a3, a4, a5) GW_ROWS_3(a0, a1, a2, , , ) GW_ROW(6, 7, a3)
#define GW_ROWS_5(a0, a1, a2, a3, a4, a5) GW_ROWS_4(a0, a1, a2, a3, , ) GW_ROW(8, 9, a4)
#define GW_ROWS_6(a0, a1, a2, a3, a4, a5) GW_ROWS_5(a0, a1, a2, a3, a4, ) GW_ROW(10, 11, a5)

#define GW_WEIGHTS(at) "vmovups (%%rcx" at "), %%ymm14\n\tvmovups 32(%%rcx" at "), %%ymm15\n\t"

#define GW_ALONG(rows, at, b)                                                                          \
    GW_WEIGHTS(b)                                                                                      \
    rows(at "(%%rax)", at "(%%rax,%%rdx)", at "(%%rax,%%rdx,2)", at "(%%rax,%%r8)",                    \
         at "(%%rax,%%rdx,4)", at "(%%rax,%%r9)")
#define GW_ACROSS(rows, at, b)                                                                         \
    GW_WEIGHTS(b)                                                                                      \
    rows("(%%rax" at ")", "4(%%rax" at ")", "8(%%rax" at ")", "12(%%rax" at ")", "16(%%rax" at ")",    \
         "20(%%rax" at ")")

#define GW_FOUR_ALONG(rows)                                                                            \
    GW_ALONG(rows, "0", "")                                                                            \
    GW_ALONG(rows, "4", ",%%r10")                                                                      \
    GW_ALONG(rows, "8", ",%%r10,2")                                                                    \
    GW_ALONG(rows, "12", ",%%r11")                                                                     \
    "addq $16, %%rax\n\t"
#define GW_FOUR_ACROSS(rows)                                                                           \
    GW_ACROSS(rows, "", "")                                                                            \
    GW_ACROSS(rows, ",%%rdx", ",%%r10")                                                                \
    GW_ACROSS(rows, ",%%rdx,2", ",%%r10,2")                                                            \
    GW_ACROSS(rows, ",%%r8", ",%%r11")                                                                 \
    "addq %%rdi, %%rax\n\t"

#define GW_SUMS_3(s) "+x"(s[0][0]), "+x"(s[0][1]), "+x"(s[1][0]), "+x"(s[1][1]), "+x"(s[2][0]), "+x"(s[2][1])
#define GW_SUMS_4(s) GW_SUMS_3(s), "+x"(s[3][0]), "+x"(s[3][1])
#define GW_SUMS_5(s) GW_SUMS_4(s), "+x"(s[4][0]), "+x"(s[4][1])
#define GW_SUMS_6(s) GW_SUMS_5(s), "+x"(s[5][0]), "+x"(s[5][1])

#define GW_LOOP(sums, body)                                                                            \
    __asm__("movq %c[a](%[o]), %%rax\n\t"                                                              \
            "movq %c[a_step](%[o]), %%rdx\n\t"                                                         \
            "movq %c[b](%[o]), %%rcx\n\t"                                                              \
            "movq %c[b_step](%[o]), %%r10\n\t"                                                         \
            "movq %c[k](%[o]), %%rsi\n\t"                                                              \
            "shlq $2, %%rdx\n\t"                                                                       \
            "shlq $2, %%r10\n\t"                                                                       \
            "shrq $2, %%rsi\n\t"                                                                       \
            "leaq (%%rdx,%%rdx,2), %%r8\n\t"                                                           \
            "leaq (%%rdx,%%rdx,4), %%r9\n\t"                                                           \
            "leaq (,%%rdx,4), %%rdi\n\t"                                                               \
            "leaq (%%r10,%%r10,2), %%r11\n\t"                                                          \
            ".p2align 5\n"                                                                             \
            "1:\n\t" body "leaq (%%rcx,%%r10,4), %%rcx\n\t"                                            \
            "decq %%rsi\n\t"                                                                           \
            "jnz 1b\n\t"                                                                               \
            : sums                                                                                     \
            : [o] "r"(&o), [a] "i"(__builtin_offsetof(Operand, a)),                                    \
              [a_step] "i"(AlongK ? __builtin_offsetof(Operand, a_row)                                 \
                                  : __builtin_offsetof(Operand, a_col)),                               \
              [b] "i"(__builtin_offsetof(Operand, b)),                                                 \
              [b_step] "i"(__builtin_offsetof(Operand, b_row)),                                        \
              [k] "i"(__builtin_offsetof(Operand, k))                                                  \
            : "rax", "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11", "xmm12", "xmm13", "xmm14",  \
              "xmm15", "memory", "cc")

// Adds an Operand's product to the sums, but for the last one to three values of k. There must be four.
template <int Rows, bool AlongK, class Operand>
GW_INLINE void run_tile_loop(vf (&sum)[Rows][2], const Operand& o) {
    if constexpr (Rows == 3 && AlongK)
        GW_LOOP(GW_SUMS_3(sum), GW_FOUR_ALONG(GW_ROWS_3));
    else if constexpr (Rows == 3)
        GW_LOOP(GW_SUMS_3(sum), GW_FOUR_ACROSS(GW_ROWS_3));
    else if constexpr (Rows == 4 && AlongK)
        GW_LOOP(GW_SUMS_4(sum), GW_FOUR_ALONG(GW_ROWS_4));
    else if constexpr (Rows == 4)
        GW_LOOP(GW_SUMS_4(sum), GW_FOUR_ACROSS(GW_ROWS_4));
    else if constexpr (Rows == 5 && AlongK)
        GW_LOOP(GW_SUMS_5(sum), GW_FOUR_ALONG(GW_ROWS_5));
    else if constexpr (Rows == 5)
        GW_LOOP(GW_SUMS_5(sum), GW_FOUR_ACROSS(GW_ROWS_5));
    else if constexpr (AlongK)
        GW_LOOP(GW_SUMS_6(sum), GW_FOUR_ALONG(GW_ROWS_6));
    else
        GW_LOOP(GW_SUMS_6(sum), GW_FOUR_ACROSS(GW_ROWS_6));
}

#undef GW_LOOP
#undef GW_SUMS_6
#undef GW_SUMS_5
#undef GW_SUMS_4
#undef GW_SUMS_3
#undef GW_FOUR_ACROSS
#undef GW_FOUR_ALONG
#undef GW_ACROSS
#undef GW_ALONG
#undef GW_WEIGHTS
#undef GW_ROWS_6
#undef GW_ROWS_5
#undef GW_ROWS_4
#undef GW_ROWS_3
#undef GW_ROW

} // namespace
} // namespace gw::GW_ISA
