// The contract of the recurrent kernels. B batch, T time, I inputs, H units, G gates, P outputs: the
// features of h, H unless h is a projection of what the cell puts out.
#pragma once
#include "api/int8.h"

namespace gw {

enum class Cell : i32 {
#define GW_CELL(name, type) name,
#include "api/cells.def"
#undef GW_CELL
};

constexpr i64 kMaxStates = 2;
constexpr float kUnbounded = __builtin_inff();

// Which (row, time) pairs are computed, and in which order. Rows are ranked by their number of real
// steps, longest first; step s of a row is its s-th real step, so that masked steps cost nothing and the
// rows active at step s are always ranks [0, active[s]). Results of step s, rank j lie at token
// start[s] + j. `position` is time in processing order: T-1-t when going backwards, else t.
struct SequencePlan {
    i64 batch, time;
    i64 steps;           // real steps of the longest row
    i64 tokens;          // real steps of all rows
    const i64* rows;     // [batch] row of rank
    const i64* lengths;  // [batch] real steps of rank
    const i64* active;   // [steps] ranks active at a step
    const i64* start;    // [steps + 1] first token of a step
    const i64* position; // [batch, time] of (rank, step), or null: position(rank, s) = s
    bool ragged;         // lengths differ or some step is masked
};

// What a forward pass leaves for the backward pass, tokens in plan order. Rows are CellShape's: slots of
// H rounded up to the vector width.
struct RecurrentSaved {
    float* gates;              // [tokens, gates_row]
    float* states[kMaxStates]; // [batch + tokens, state_row]: initial states by rank, then tokens
    float* x;                  // [tokens, x_row]: dropout applied, then a one for the bias gradient
    float* h;                  // [tokens, state_row] h as multiplied, or null: then it is states[0]
    float* second;             // [tokens, state_row] operand of the cell's second product, or null
    float* projected;          // [tokens, state_row] what the cell puts out where h is its projection
};

// Zoneout (Krueger et al. 2016): at every step a unit of a state keeps the value it had with a probability
// of its share. Drawn, unit u of state k of row b does so after the step at position t where the word of
// element ((b*T + t)*S + k)*H4 + u is below the threshold: words as api/elementwise.h counts them, S
// states, H4 the units rounded up to 4. Not drawn, states are what is to be expected.
struct Zoneout {
    float share[kMaxStates];   // 0: every unit takes its new value
    u32 threshold[kMaxStates]; // floor(share * 2^32)
    bool drawn;
    u64 seed;
};

struct Recurrent {
    SequencePlan plan;
    i64 inputs, units, outputs;            // outputs < units: there is a projection
    const float* x;                        // [B, T, I]
    const float* kernel;                   // [I, G*H]
    const float* recurrent_kernel;         // [P, G*H]
    Int8Matrix kernel8, recurrent_kernel8; // in the place of both where int8 says so
    const float* projection;               // [H, P], of a cell that does not carry h, else null
    const float* bias;                     // [G*H] or [2, G*H] (Gru); null: none
    const float* diagonal;                 // [D, H] of a cell that has them (peepholes); null: zeros
    const float* gamma;                    // [S or S + 1, H] gains of a cell with layer normalization
    const float* beta;                     // [H] of one that normalizes a state too, else null
    float epsilon;                         // of its variances
    const float* initial[kMaxStates];      // [B, P], [B, H]; null: zeros
    const float* input_mask;               // [B, I] multiplies x; null: none
    const float* recurrent_mask;           // [B, P] multiplies h in its product; null: none
    Activation activation, recurrent_activation;
    float activation_clip = kUnbounded;    // bound of the sums of gates that activations are applied to
    float cell_clip = kUnbounded;          // bound of c, of a cell that knows it
    Zoneout zoneout;
    bool go_backwards, return_sequences, zero_output_for_mask;
    bool bf16;                             // the products by kernel and recurrent_kernel round their
                                           // operands to bfloat16; sums and everything else do not
    bool int8;                             // they are products of int8, forward only
    float* y;                              // [B, T, P] or [B, P]
    float* final_states[kMaxStates];       // [B, P], [B, H]
    RecurrentSaved saved;                  // gates == null: nothing is kept
    const void* packed;                    // from pack_weights of the same ISA, or null: packed anew
};

// Gradients; the gates of `saved` are overwritten by gate gradients.
struct RecurrentGrad {
    const float* dy;                       // like y; null: zero
    const float* dfinal[kMaxStates];       // [B, P], [B, H]; null: zero
    float* dx;                             // [B, T, I]; null: not wanted
    float* dkernel;                        // [I, G*H]
    float* drecurrent_kernel;              // [P, G*H]
    float* dprojection;                    // [H, P]; null: none
    float* dbias;                          // like bias; null: none
    float* ddiagonal;                      // like diagonal; null: none
    float *dgamma, *dbeta;                 // like gamma and beta; null: none
    float* dinitial[kMaxStates];           // [B, P], [B, H]; null: not wanted
};

// Sizes that depend on the cell and on the vector width. Rows are in floats.
struct CellShape {
    i64 gates;      // G: column blocks of the weights
    i64 states;     // 1 or 2
    i64 bias_rows;  // 1, or 2 when input and recurrent bias are separate
    i64 slots;      // column blocks of the saved gates
    i64 x_row, state_row, gates_row;
    bool second;    // keeps RecurrentSaved::second
    i64 diagonals;  // D: weights that multiply a state unit by unit
    i64 gammas;     // rows of Recurrent::gamma: one for each slot, one more with a beta
    i64 betas;      // 0, or 1 where there is a beta
};

} // namespace gw
