#include "bindings/constructor.h"
#include "bindings/instructions.h"
#include "inference/program.h"

#include <pybind11/stl.h>

#include <atomic>
#include <mutex>

namespace gw {
namespace {

ValueKind parse_kind(const std::string& name) {
    if (name == "floats") return ValueKind::floats;
    if (name == "ids") return ValueKind::ids;
    if (name == "mask") return ValueKind::mask;
    fail("kind", "'floats', 'ids' or 'mask'", "'" + name + "'");
}

// An input of a call, kept alive through it.
struct Input {
    py::array array;
    bool wide = true;
};

Input input_array(ValueKind kind, const py::handle& given) {
    if (kind == ValueKind::floats) return {typed<float>("x", given)};
    if (kind == ValueKind::mask) return {typed<bool>("x", given)};
    if (py::isinstance<py::array>(given) && holds<i32>(py::reinterpret_borrow<py::array>(given)))
        return {typed<i32>("x", given), false};
    return {typed<i64>("x", given)};
}

// The shape of an array, with an axis of size one for the time where `insert` says so.
Shape shape_with_time(const py::array& array, bool insert) {
    if (array.ndim() + insert > kMaxAxes || (insert && array.ndim() < 1))
        fail("x", "of at most " + std::to_string(kMaxAxes) + " axes", shape_text(array));
    Shape shape;
    for (py::ssize_t i = 0; i < array.ndim(); ++i) {
        if (i == 1 && insert) shape.size[shape.axes++] = 1;
        shape.size[shape.axes++] = array.shape(i);
    }
    if (insert && array.ndim() == 1) shape.size[shape.axes++] = 1;
    return shape;
}

struct Flags {
    std::vector<bool> inputs, outputs; // whether axis 1 is the time of a stream
};

// A program, the arrays it reads, and the frames that are not in use.
class SharedProgram {
  public:
    SharedProgram(const std::vector<std::string>& kinds, const py::list& constants,
                  const py::list& instructions, const std::vector<int>& inputs,
                  const std::vector<int>& outputs, Flags time)
        : kernels_(kernels()), time_(std::move(time)) {
        std::vector<ValueKind> parsed_kinds;
        parsed_kinds.reserve(kinds.size());
        for (const std::string& kind : kinds) parsed_kinds.push_back(parse_kind(kind));
        std::vector<Constant> parsed_constants;
        for (const py::handle& item : constants) {
            const auto pair = py::cast<std::pair<int, py::object>>(item);
            const FloatArray array = typed<float>("constant", pair.second);
            owners_.push_back(array);
            parsed_constants.push_back({pair.first, shape_with_time(array, false), array.data()});
        }
        std::vector<std::unique_ptr<Instruction>> parsed;
        for (const py::handle& item : instructions)
            parsed.push_back(parse_instruction(py::cast<py::tuple>(item), kernels_, owners_));
        if (time_.inputs.size() != inputs.size() || time_.outputs.size() != outputs.size())
            fail("time", "told of every input and output", "not so");
        program_ = std::make_unique<Program>(kernels_, std::move(parsed_kinds), std::move(parsed_constants),
                                             std::move(parsed), inputs, outputs);
    }

    const Program& program() const { return *program_; }
    const Flags& time() const { return time_; }

    py::list run(const py::tuple& given) {
        if (given.size() != program_->inputs.size())
            fail("inputs", std::to_string(program_->inputs.size()) + " arrays", std::to_string(given.size()));
        const Lent frame(*this);
        std::vector<Input> held;
        std::vector<Shape> shapes;
        for (std::size_t i = 0; i < given.size(); ++i) {
            held.push_back(input_array(kind_of_input(i), given[i]));
            shapes.push_back(shape_with_time(held[i].array, false));
            frame->set_input(i, held[i].array.data(), held[i].wide);
        }
        frame->plan(shapes);
        py::list found;
        for (std::size_t i = 0; i < program_->outputs.size(); ++i) {
            const Shape& shape = frame->output_shape(i);
            FloatArray y = new_floats(std::vector<i64>(shape.size, shape.size + shape.axes));
            frame->set_output(i, y.mutable_data());
            found.append(y);
        }
        run_kernel([&] { frame->run(); });
        return found;
    }

    // Makes a frame ready for inputs of those shapes; returns its bytes.
    std::size_t reserve(const std::vector<std::vector<i64>>& shapes) {
        const Lent frame(*this);
        std::vector<Shape> wanted;
        for (const std::vector<i64>& sizes : shapes) {
            Shape shape;
            for (const i64 n : sizes) {
                if (n < 0 || shape.axes == kMaxAxes) fail("shape", "of few sizes, none negative", shape_text(sizes));
                shape.size[shape.axes++] = n;
            }
            wanted.push_back(shape);
        }
        if (wanted.size() != program_->inputs.size())
            fail("shapes", std::to_string(program_->inputs.size()), std::to_string(wanted.size()));
        frame->plan(wanted);
        return frame->bytes();
    }

    // Gives back the memory of frames of more bytes than that.
    void trim(std::size_t bytes) {
        const std::lock_guard<std::mutex> lock(mutex_);
        for (std::size_t i = free_.size(); i-- > 0;)
            if (free_[i]->bytes() > bytes) free_.erase(free_.begin() + static_cast<std::ptrdiff_t>(i));
    }

    ValueKind kind_of_input(std::size_t i) const {
        return program_->kinds[static_cast<std::size_t>(program_->inputs[i])];
    }
    const char* isa() const { return kernels_.isa; }

  private:
    // A frame for the time of one call.
    class Lent {
      public:
        explicit Lent(SharedProgram& from) : from_(from) {
            {
                const std::lock_guard<std::mutex> lock(from.mutex_);
                if (!from.free_.empty()) {
                    frame_ = std::move(from.free_.back());
                    from.free_.pop_back();
                }
            }
            if (frame_ == nullptr) frame_ = std::make_unique<Frame>(*from.program_, 0);
        }
        ~Lent() {
            const std::lock_guard<std::mutex> lock(from_.mutex_);
            try {
                from_.free_.push_back(std::move(frame_));
            } catch (const std::bad_alloc&) { // then the next call makes another
            }
        }
        Lent(const Lent&) = delete;
        Lent& operator=(const Lent&) = delete;
        Frame* operator->() const { return frame_.get(); }

      private:
        SharedProgram& from_;
        std::unique_ptr<Frame> frame_;
    };

    const Kernels& kernels_; // the level that packed the weights, whatever is chosen later
    Flags time_;
    std::vector<py::object> owners_;
    std::unique_ptr<Program> program_;
    std::mutex mutex_;
    std::vector<std::unique_ptr<Frame>> free_;
};

// One stream through a program: a frame of its own, with the states that it keeps.
class ProgramSession {
  public:
    // Of at most `most` steps; 0: of any number.
    ProgramSession(std::shared_ptr<SharedProgram> shared, i64 batch, i64 most)
        : shared_(std::move(shared)), batch_(batch), frame_(shared_->program(), check_batch(batch), most),
          held_(shared_->program().inputs.size()), shapes_(held_.size()),
          results_(shared_->program().outputs.size()) {}

    // One step, x without an axis of time; or a block of some, with one.
    py::object run(const py::object& x, const py::object& out, bool step) {
        if (busy_.test_and_set(std::memory_order_acquire)) refuse_second();
        const Release release{*this};
        const std::size_t count = held_.size();
        if (count == 1 && !py::isinstance<py::tuple>(x)) {
            set_input(0, x, step);
        } else {
            const py::tuple given = py::cast<py::tuple>(x);
            if (given.size() != count) fail("x", std::to_string(count) + " arrays", std::to_string(given.size()));
            for (std::size_t i = 0; i < count; ++i) set_input(i, given[i], step);
        }
        frame_.plan(shapes_);
        for (std::size_t i = 0; i < results_.size(); ++i) set_output(i, out, step);
        run_kernel([&] { frame_.run(); });
        if (results_.size() == 1) return results_[0];
        py::list found;
        for (const py::object& one : results_) found.append(one);
        return found;
    }

    // (layer, state, values) of every state.
    py::list states() {
        py::list found;
        each([&](Instruction& instruction) {
            const std::vector<StateArray> own = instruction.states();
            for (std::size_t i = 0; i < own.size(); ++i) {
                FloatArray values = new_floats(own[i].shape);
                instruction.read_state(i, values.mutable_data());
                found.append(py::make_tuple(instruction.name, own[i].name, values));
            }
        });
        return found;
    }

    // All states in the order of `states`; none is changed unless all fit.
    void set_states(const py::list& given) {
        std::vector<FloatArray> arrays;
        std::vector<std::vector<GivenState>> of_each;
        each([&](Instruction& instruction) {
            std::vector<GivenState> own;
            for (const StateArray& state : instruction.states()) {
                if (arrays.size() == given.size()) fail("states", "one for each of the session's", "fewer");
                std::vector<i64> shape = state.shape;
                if (state.free_axis >= 0) shape[static_cast<std::size_t>(state.free_axis)] = -1;
                const std::string name = instruction.name + "/" + state.name;
                arrays.push_back(shaped<float>(name.c_str(), given[arrays.size()], shape));
                const FloatArray& array = arrays.back();
                own.push_back({std::vector<i64>(array.shape(), array.shape() + array.ndim()), array.data()});
            }
            if (!own.empty()) instruction.check_states(own);
            of_each.push_back(std::move(own));
        });
        if (arrays.size() != given.size())
            fail("states", std::to_string(arrays.size()) + " arrays", std::to_string(given.size()));
        std::size_t i = 0;
        each([&](Instruction& instruction) {
            const std::vector<GivenState>& own = of_each[i++];
            if (!own.empty()) instruction.write_states(own);
        });
    }

    void reset(const std::vector<i64>& rows) {
        check_rows(rows);
        each([&](Instruction& instruction) {
            for (const i64 row : rows) instruction.reset_row(row);
        });
    }

    // Goes on with those rows, in that order; one may come several times.
    void select(const std::vector<i64>& rows) {
        check_rows(rows);
        if (rows.empty()) fail("rows", "at least one", "none");
        if (busy_.test_and_set(std::memory_order_acquire)) refuse_second();
        const Release release{*this};
        frame_.select(rows);
        batch_ = static_cast<i64>(rows.size());
    }

    i64 batch() const { return batch_; }

  private:
    struct Release {
        ProgramSession& session;
        ~Release() {
            for (Input& input : session.held_) input.array = py::reinterpret_steal<py::array>(py::handle());
            for (py::object& one : session.results_) one = py::none();
            session.busy_.clear(std::memory_order_release);
        }
    };

    static i64 check_batch(i64 batch) {
        if (batch < 1) fail("batch", "a positive integer", std::to_string(batch));
        return batch;
    }
    void check_rows(const std::vector<i64>& rows) const {
        for (const i64 row : rows)
            if (row < 0 || row >= batch_) fail("rows", "in [0, " + std::to_string(batch_) + ")", std::to_string(row));
    }
    [[noreturn]] static void refuse_second() {
        throw std::runtime_error("a session must be used by one thread at a time, not by two");
    }

    void set_input(std::size_t i, const py::handle& x, bool step) {
        held_[i] = input_array(shared_->kind_of_input(i), x);
        shapes_[i] = shape_with_time(held_[i].array, step && shared_->time().inputs[i]);
        if (shapes_[i].axes < 1 || shapes_[i].size[0] != batch_)
            fail("x", "of " + std::to_string(batch_) + " rows, as the session has", shape_text(held_[i].array));
        frame_.set_input(i, held_[i].array.data(), held_[i].wide);
    }

    void set_output(std::size_t i, const py::object& out, bool step) {
        const Shape& whole = frame_.output_shape(i);
        const bool squeeze = step && shared_->time().outputs[i] && whole.axes > 1;
        i64 sizes[kMaxAxes];
        int axes = 0;
        for (int a = 0; a < whole.axes; ++a)
            if (!(squeeze && a == 1)) sizes[axes++] = whole.size[a];
        if (out.is_none()) {
            FloatArray made = new_floats(std::vector<i64>(sizes, sizes + axes));
            frame_.set_output(i, made.mutable_data());
            results_[i] = std::move(made);
            return;
        }
        const py::object given = results_.size() == 1 && !py::isinstance<py::tuple>(out)
                                     ? out
                                     : py::object(py::cast<py::tuple>(out)[i]);
        FloatArray to = typed<float>("out", given);
        bool fits = to.ndim() == axes;
        for (int a = 0; fits && a < axes; ++a) fits = to.shape(a) == sizes[a];
        if (!fits) fail("out", "of shape " + shape_text(std::vector<i64>(sizes, sizes + axes)), shape_text(to));
        frame_.set_output(i, to.mutable_data());
        results_[i] = std::move(to);
    }

    // f(instruction) for all of them, between two runs.
    template <class F> void each(const F& f) {
        if (busy_.test_and_set(std::memory_order_acquire)) refuse_second();
        const Release release{*this};
        for (std::size_t i = 0; i < shared_->program().instructions.size(); ++i) f(frame_.instruction(i));
    }

    std::shared_ptr<SharedProgram> shared_;
    i64 batch_;
    Frame frame_;
    std::vector<Input> held_; // of the run under way: kept here so that a step allocates nothing
    std::vector<Shape> shapes_;
    std::vector<py::object> results_;
    std::atomic_flag busy_ = ATOMIC_FLAG_INIT;
};

} // namespace
} // namespace gw

void bind_program(pybind11::module_& m) {
    namespace py = pybind11;
    using gw::ProgramSession;
    using gw::SharedProgram;
    py::class_<SharedProgram, std::shared_ptr<SharedProgram>>(m, "Program")
        .def("__init__",
             [](py::detail::value_and_holder& instance, const std::vector<std::string>& kinds,
                const py::list& constants, const py::list& instructions,
                const std::vector<int>& inputs, const std::vector<int>& outputs,
                const std::vector<bool>& input_time, const std::vector<bool>& output_time) {
                 gw::hold(instance, std::make_shared<SharedProgram>(
                                        kinds, constants, instructions, inputs, outputs,
                                        gw::Flags{input_time, output_time}));
             },
             py::detail::is_new_style_constructor(), py::arg("kinds"), py::arg("constants"), py::arg("instructions"), py::arg("inputs"),
             py::arg("outputs"), py::arg("input_time"), py::arg("output_time"))
        .def("run", &SharedProgram::run, py::arg("inputs"))
        .def("reserve", &SharedProgram::reserve, py::arg("shapes"))
        .def("trim", &SharedProgram::trim, py::arg("bytes"))
        .def_property_readonly("isa", &SharedProgram::isa);
    py::class_<ProgramSession> session(m, "ProgramSession");
    gw::def_constructor<std::shared_ptr<SharedProgram>, gw::i64, gw::i64>(
        session, py::arg("program"), py::arg("batch"), py::arg("most") = 0);
    session.def("run", &ProgramSession::run, py::arg("x"), py::arg("out"), py::arg("step"))
        .def("states", &ProgramSession::states)
        .def("set_states", &ProgramSession::set_states, py::arg("states"))
        .def("reset", &ProgramSession::reset, py::arg("rows"))
        .def("select", &ProgramSession::select, py::arg("rows"))
        .def_property_readonly("batch", &ProgramSession::batch);
}
