// Connectionist temporal classification: all alignments of frames and labels at once.
#pragma once
#include "api/loss.h"
#include "kernels/softmax.h"
#include "runtime/memory.h"

namespace gw::GW_ISA {
namespace {

constexpr double kImpossible = -__builtin_inf();

// log(e^a + e^b)
inline double add_logs(double a, double b) {
    if (a < b) {
        const double larger_one = b;
        b = a;
        a = larger_one;
    }
    return b == kImpossible ? a : a + __builtin_log1p(__builtin_exp(b - a));
}

// One row. State s of 2 * labels + 1 is at the blank before label s / 2 if even, at label s / 2 if odd.
class CtcRow {
  public:
    CtcRow(const Ctc& c, i64 b)
        : logits_(c.logits + b * c.time * c.classes), labels_(c.labels + b * c.width),
          frames_(c.frames[b]), states_(2 * c.label_counts[b] + 1), classes_(c.classes),
          blank_(c.blank) {}

    static i64 workspace(i64 frames, i64 labels) { return frames * (2 * labels + 2) + 4 * labels + 2; }

    // The loss; the logarithms of all prefixes stay in the workspace for `backward`.
    float forward(double* alpha) {
        norms_ = alpha + frames_ * states_;
        for (i64 t = 0; t < frames_; ++t) {
            const float* x = logits_ + t * classes_;
            const float shift = row_shift(x, classes_);
            norms_[t] = double(__builtin_logf(row_exp_sum(x, classes_, shift, nullptr))) + shift;
            double* now = alpha + t * states_;
            const double* before = now - states_;
            for (i64 s = 0; s < states_; ++s) {
                double sum = t > 0 ? before[s] : s < 2 ? 0.0 : kImpossible;
                if (t > 0 && s > 0) sum = add_logs(sum, before[s - 1]);
                if (t > 0 && skips(s)) sum = add_logs(sum, before[s - 2]);
                now[s] = sum + emission(t, s);
            }
        }
        total_ = 0.0; // no frames read as no labels
        if (frames_ > 0) {
            const double* last = alpha + (frames_ - 1) * states_;
            total_ = states_ > 1 ? add_logs(last[states_ - 1], last[states_ - 2]) : last[0];
        }
        return static_cast<float>(-total_);
    }

    // softmax(logits) less the share of the alignments that are at the class: d loss / d logits.
    void backward(const double* alpha, float* dlogits) const {
        double *later = norms_ + frames_, *now = later + states_;
        for (i64 t = frames_ - 1; t >= 0; --t) {
            for (i64 s = 0; s < states_; ++s) {
                if (t == frames_ - 1) {
                    now[s] = s + 2 >= states_ ? 0.0 : kImpossible;
                    continue;
                }
                double sum = later[s];
                if (s + 1 < states_) sum = add_logs(sum, later[s + 1]);
                if (s + 2 < states_ && skips(s + 2)) sum = add_logs(sum, later[s + 2]);
                now[s] = sum;
            }
            const float* x = logits_ + t * classes_;
            float* dx = dlogits + t * classes_;
            const float norm = static_cast<float>(norms_[t]);
            for_vectors(0, classes_, [&](i64 i, i64 lanes) {
                store_some(dx + i, exp(load_some(x + i, lanes) - norm), lanes);
            });
            for (i64 s = 0; s < states_; ++s) {
                const double share = alpha[t * states_ + s] + now[s] - total_;
                dx[label(s)] -= static_cast<float>(__builtin_exp(share));
                now[s] += emission(t, s);
            }
            double* swapped = later;
            later = now;
            now = swapped;
        }
    }

  private:
    i64 label(i64 s) const { return s % 2 == 0 ? blank_ : labels_[s / 2]; }
    // Whether an alignment may come from two states before, over a blank between unequal labels.
    bool skips(i64 s) const { return s % 2 == 1 && s > 1 && labels_[s / 2] != labels_[s / 2 - 1]; }
    double emission(i64 t, i64 s) const { return double(logits_[t * classes_ + label(s)]) - norms_[t]; }

    const float* logits_;
    const i64* labels_;
    i64 frames_, states_, classes_, blank_;
    double* norms_ = nullptr; // log of the sum of exponentials of each frame
    double total_ = 0.0;
};

inline void ctc(const Ctc& c) {
    const Buffer<i64> starts(c.batch + 1);
    i64 size = 0;
    for (i64 b = 0; b < c.batch; ++b) {
        starts.get()[b] = size;
        size += CtcRow::workspace(c.frames[b], c.label_counts[b]);
    }
    const Buffer<double> workspace(size);
    constexpr double kPerState = 60.0; // nanoseconds
    const double each = kPerState * static_cast<double>(size) / static_cast<double>(c.batch ? c.batch : 1);
    parallel_tasks(c.batch, each, [&](i64 b) {
        CtcRow row(c, b);
        double* alpha = workspace.get() + starts.get()[b];
        c.loss[b] = row.forward(alpha);
        if (c.dlogits == nullptr) return;
        float* dlogits = c.dlogits + b * c.time * c.classes;
        row.backward(alpha, dlogits);
        for (i64 i = c.frames[b] * c.classes; i < c.time * c.classes; ++i) dlogits[i] = 0.0f;
    });
}

} // namespace
} // namespace gw::GW_ISA
