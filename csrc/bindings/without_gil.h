// The GIL given back around kernels, and taken again even while the interpreter shuts down.
#pragma once
#include <pybind11/pybind11.h>

#if defined(__GLIBCXX__) && defined(__linux__)
#include <cxxabi.h>
#include <unistd.h>
#endif

namespace gw {

// CPython before 3.14 ends a thread that wants the GIL while the interpreter shuts down by pthread_exit.
// That unwinds the stack, which destructors and parallel regions turn into an abort of the process. Such
// a thread stays here instead: the end is near.
inline void take_gil(PyThreadState* state) {
#if defined(__GLIBCXX__) && defined(__linux__)
    try {
        PyEval_RestoreThread(state);
    } catch (const abi::__forced_unwind&) {
        for (;;) pause();
    }
#else
    PyEval_RestoreThread(state);
#endif
}

class WithoutGil {
  public:
    WithoutGil() { state() = PyEval_SaveThread(); }
    ~WithoutGil() { take_gil(state()); }
    WithoutGil(const WithoutGil&) = delete;
    WithoutGil& operator=(const WithoutGil&) = delete;

    // Takes the GIL for a moment; true when the handler of a signal raised an exception. On the thread
    // that made the object only.
    static bool signal_raised() {
        take_gil(state());
        const bool raised = PyErr_CheckSignals() != 0;
        state() = PyEval_SaveThread();
        return raised;
    }

  private:
    static PyThreadState*& state() {
        thread_local PyThreadState* released = nullptr;
        return released;
    }
};

} // namespace gw
