#include "bindings/instructions.h"
#include "bindings/packed_weights.h"
#include "inference/attention.h"
#include "inference/dense.h"
#include "inference/moving.h"
#include "inference/positions.h"
#include "inference/recurrent.h"
#include "inference/windows.h"

#include <cmath>

namespace gw {
namespace {

constexpr i64 kMost = (i64(1) << 31) - 1;

template <class T> T cast_to(const char* name, const char* rule, const py::handle& object) {
    try {
        return py::cast<T>(object);
    } catch (const py::cast_error&) {
        fail(name, rule, py::str(object));
    }
}

// The arguments of one instruction by their names.
class Arguments {
  public:
    Arguments(py::dict given, const Kernels& kernels_, std::vector<py::object>& owners)
        : kernels(kernels_), given_(std::move(given)), owners_(owners) {}

    const Kernels& kernels;

    bool has(const char* name) const { return given_.contains(name); }
    py::object object(const char* name) const {
        if (!given_.contains(name)) fail(name, "given", "missing");
        return given_[name];
    }
    i64 integer(const char* name, i64 least, i64 most = kMost) const {
        const py::object value = object(name);
        if (!py::isinstance<py::int_>(value) || py::isinstance<py::bool_>(value))
            fail_type(name, "an integer", type_name(value));
        int overflow = 0;
        const long long found = PyLong_AsLongLongAndOverflow(value.ptr(), &overflow);
        if (overflow != 0 || found < least || found > most)
            fail(name, "in [" + std::to_string(least) + ", " + std::to_string(most) + "]", py::str(value));
        return found;
    }
    float number(const char* name) const {
        const py::object value = object(name);
        if (!py::isinstance<py::float_>(value) && !py::isinstance<py::int_>(value))
            fail_type(name, "a number", type_name(value));
        return cast_to<float>(name, "a number", value);
    }
    bool flag(const char* name) const {
        const py::object value = object(name);
        if (!py::isinstance<py::bool_>(value)) fail_type(name, "true or false", type_name(value));
        return py::cast<bool>(value);
    }
    std::string text(const char* name) const {
        const py::object value = object(name);
        if (!py::isinstance<py::str>(value)) fail_type(name, "a text", type_name(value));
        return py::cast<std::string>(value);
    }
    Activation activation(const char* name) const { return parse_activation(name, text(name)); }
    float bound(const char* name) const {
        if (object(name).is_none()) return kUnbounded;
        return parse_bound(name, number(name));
    }
    FloatArray floats(const char* name, const std::vector<i64>& shape) {
        FloatArray array = shaped<float>(name, object(name), shape);
        owners_.push_back(array);
        return array;
    }
    const float* floats_or_null(const char* name, const std::vector<i64>& shape) {
        return object(name).is_none() ? nullptr : floats(name, shape).data();
    }
    void keep(py::object owner) { owners_.push_back(std::move(owner)); }

    // The kernel of so many axes, the last of which are columns, packed as a matrix; its shape is told.
    std::shared_ptr<const void> int8_kernel(std::vector<i64>& shape, std::size_t axes) {
        const py::object given = object("kernel");
        const ByteArray array = typed<std::int8_t>("kernel", given);
        if (array.ndim() != static_cast<py::ssize_t>(axes))
            fail("kernel", "of " + std::to_string(axes) + " axes", shape_text(array));
        shape.assign(array.shape(), array.shape() + axes);
        i64 rows = 1;
        for (std::size_t i = 0; i + 1 < axes; ++i) rows *= shape[i];
        std::vector<py::object> held; // until it is packed
        const py::object matrix = array.attr("reshape")(rows, shape.back());
        const Int8Matrix m = int8_matrix("kernel", matrix, object("kernel_scale"), held);
        if (rows == 0 || shape.back() == 0) fail("kernel", "of rows and columns", shape_text(array));
        void* packed = nullptr;
        run_kernel([&] { packed = kernels.pack_int8(m); });
        return std::shared_ptr<const void>(packed, [free = kernels.free_int8](const void* one) {
            free(const_cast<void*>(one));
        });
    }
    void int8_table(EmbeddingInstruction& made) {
        const ByteArray table = checked_numbers("table", object("table"));
        const FloatArray scale = checked_scale("table_scale", object("table_scale"), table.shape(0));
        made.bytes = table.data();
        made.scale = scale.data();
        made.rows = table.shape(0);
        made.columns = table.shape(1);
        keep(table);
        keep(scale);
    }

  private:
    py::dict given_;
    std::vector<py::object>& owners_;
};

Padding padding(const Arguments& a) {
    const std::string name = a.text("padding");
    if (name == "valid") return Padding::valid;
    if (name == "same") return Padding::same;
    if (name == "causal") return Padding::causal;
    fail("padding", "'valid', 'same' or 'causal'", "'" + name + "'");
}

using Made = std::unique_ptr<Instruction>;

Made embedding(Arguments& a) {
    auto made = std::make_unique<EmbeddingInstruction>();
    if (a.has("table_scale")) {
        a.int8_table(*made);
        return made;
    }
    const FloatArray table = a.floats("table", {-1, -1});
    made->table = table.data();
    made->rows = table.shape(0);
    made->columns = table.shape(1);
    return made;
}

Made masking(Arguments& a) {
    auto made = std::make_unique<MaskingInstruction>();
    made->value = a.number("value");
    return made;
}

Made dense(Arguments& a) {
    auto made = std::make_unique<DenseInstruction>();
    if (a.has("kernel_scale")) {
        std::vector<i64> shape;
        made->int8 = a.int8_kernel(shape, 2);
        made->features = shape[0];
        made->units = shape[1];
    } else {
        const FloatArray kernel = a.floats("kernel", {-1, -1});
        made->transposed = a.has("transposed") && a.flag("transposed");
        made->features = kernel.shape(made->transposed ? 1 : 0);
        made->units = kernel.shape(made->transposed ? 0 : 1);
        made->kernel = kernel.data();
    }
    made->bias = a.floats_or_null("bias", {made->units});
    made->bf16 = a.flag("bf16");
    made->activation = a.activation("activation");
    if (made->int8 == nullptr) run_kernel([&] { made->pack(a.kernels); });
    return made;
}

Made shift(Arguments& a) {
    auto made = std::make_unique<ShiftInstruction>();
    const FloatArray bias = a.floats("bias", {-1});
    made->columns = bias.shape(0);
    made->bias = bias.data();
    return made;
}

Made activation(Arguments& a) {
    auto made = std::make_unique<ActivationInstruction>();
    made->activation = a.activation("activation");
    return made;
}

Made row_norm(Arguments& a) {
    auto made = std::make_unique<RowNormInstruction>();
    made->columns = a.integer("columns", 1);
    made->gamma = a.floats_or_null("gamma", {made->columns});
    made->beta = a.floats_or_null("beta", {made->columns});
    made->epsilon = a.number("epsilon");
    made->centered = a.flag("centered");
    return made;
}

Made column_norm(Arguments& a) {
    auto made = std::make_unique<ColumnNormInstruction>();
    const FloatArray mean = a.floats("mean", {-1});
    made->columns = mean.shape(0);
    made->mean = mean.data();
    made->factor = a.floats("factor", {made->columns}).data();
    made->shift = a.floats("shift", {made->columns}).data();
    return made;
}

Made recurrent(Arguments& a) {
    auto made = std::make_unique<RecurrentInstruction>();
    const auto packed = cast_to<std::shared_ptr<PackedWeights>>("weights", "packed", a.object("weights"));
    if (packed == nullptr) fail("weights", "packed", "None");
    if (packed->isa != &a.kernels) fail("weights", "packed at the instruction set of the program", "at another");
    made->weights = {packed->cell,    packed->shape, packed->inputs,
                     packed->units,   packed->outputs, packed->bf16, packed->int8,
                     std::shared_ptr<const void>(packed, packed->data())};
    made->activation = a.activation("activation");
    made->recurrent_activation = a.activation("recurrent_activation");
    made->activation_clip = a.bound("activation_clip");
    made->cell_clip = a.bound("cell_clip");
    if (a.has("epsilon") && !a.object("epsilon").is_none())
        made->epsilon = parse_bound("epsilon", a.number("epsilon"));
    using Shares = std::optional<std::vector<double>>;
    made->zoneout = parse_zoneout(cast_to<Shares>("zoneout", "numbers or None", a.object("zoneout")),
                                  std::nullopt, made->weights.shape.states);
    made->go_backwards = a.flag("go_backwards");
    made->return_sequences = a.flag("return_sequences");
    made->zero_output_for_mask = a.flag("zero_output_for_mask");
    made->masked = a.flag("masked");
    made->given_states = a.flag("given_states");
    return made;
}

Made attention(Arguments& a) {
    auto made = std::make_unique<AttentionInstruction>();
    made->heads = a.integer("heads", 1);
    made->key_heads = a.integer("key_heads", 1);
    made->features = a.integer("features", 1);
    made->value_features = a.integer("value_features", 1);
    if (made->heads % made->key_heads != 0)
        fail("key_heads", "a divisor of " + std::to_string(made->heads), std::to_string(made->key_heads));
    made->scale = a.number("scale");
    made->causal = a.flag("causal");
    made->window = a.integer("window", -1);
    constexpr const char* kColumns[3] = {"query_column", "key_column", "value_column"};
    for (int i = 0; i < 3; ++i) made->columns[i] = a.integer(kColumns[i], 0);
    made->query_masked = a.flag("query_masked");
    made->key_masked = a.flag("key_masked");
    made->pair_masked = a.flag("pair_masked");
    made->of_stream = a.flag("of_stream");
    return made;
}

std::vector<double> frequencies(const Arguments& a) {
    const auto found = cast_to<std::vector<double>>("frequencies", "numbers", a.object("frequencies"));
    for (const double one : found)
        if (!std::isfinite(one)) fail("frequencies", "finite numbers", std::to_string(one));
    return found;
}

Made wave(Arguments& a) {
    auto made = std::make_unique<WaveInstruction>();
    made->frequencies = frequencies(a);
    return made;
}

Made rotary(Arguments& a) {
    auto made = std::make_unique<RotaryInstruction>();
    made->frequencies = frequencies(a);
    made->factor = a.number("factor");
    return made;
}

Made position(Arguments& a) {
    auto made = std::make_unique<PositionInstruction>();
    const FloatArray table = a.floats("table", {-1, -1});
    made->table = table.data();
    made->rows = table.shape(0);
    made->columns = table.shape(1);
    made->added = a.flag("added");
    return made;
}

Made depthwise(Arguments& a) {
    auto made = std::make_unique<DepthwiseInstruction>();
    const FloatArray kernel = a.floats("kernel", {-1, -1});
    made->kernel = kernel.data();
    made->taps = kernel.shape(0);
    made->channels = made->features = kernel.shape(1);
    if (made->taps == 0 || made->channels == 0 || made->taps > kMost)
        fail("kernel", "of taps and channels", shape_text(kernel));
    made->stride = a.integer("stride", 1);
    made->dilation = a.integer("dilation", 1);
    made->padding = padding(a);
    return made;
}

Made conv(Arguments& a) {
    auto made = std::make_unique<ConvInstruction>();
    std::vector<i64> shape;
    if (a.has("kernel_scale")) {
        made->int8 = a.int8_kernel(shape, 3);
    } else {
        const FloatArray kernel = a.floats("kernel", {-1, -1, -1});
        made->kernel = kernel.data();
        shape.assign(kernel.shape(), kernel.shape() + 3);
    }
    made->taps = shape[0];
    made->groups = a.integer("groups", 1);
    made->channels = shape[1] * made->groups;
    made->features = shape[2];
    if (made->taps == 0 || made->channels == 0 || made->features == 0 || made->taps > kMost ||
        made->features % made->groups != 0)
        fail("kernel", "of taps, channels and features that the groups divide", shape_text(shape));
    made->bias = a.floats_or_null("bias", {made->features});
    made->bf16 = a.flag("bf16");
    made->stride = a.integer("stride", 1);
    made->dilation = a.integer("dilation", 1);
    made->padding = padding(a);
    if (made->int8 != nullptr && (made->groups != 1 || made->dilation != 1))
        fail("kernel", "of float32 where there are groups or a dilation", "int8");
    return made;
}

Made pool(Arguments& a) {
    auto made = std::make_unique<PoolInstruction>();
    made->size = a.integer("size", 1);
    made->stride = a.integer("stride", 1);
    made->windows = a.integer("windows", 0, i64(1) << 24);
    made->padding = padding(a);
    made->largest = a.flag("largest");
    return made;
}

Made pool_over_time(Arguments& a) {
    auto made = std::make_unique<PoolOverTimeInstruction>();
    made->largest = a.flag("largest");
    made->keepdims = a.flag("keepdims");
    return made;
}

Made reshape(Arguments& a) {
    auto made = std::make_unique<ReshapeInstruction>();
    const py::object target = a.object("target");
    made->same = target.is_none();
    if (!made->same) made->target = cast_to<std::vector<i64>>("target", "sizes", target);
    return made;
}

Made repeat(Arguments& a) {
    auto made = std::make_unique<RepeatInstruction>();
    made->times = a.integer("times", 1);
    return made;
}

Made pad(Arguments& a) {
    auto made = std::make_unique<PadInstruction>();
    made->before = a.integer("before", -kMost);
    made->after = a.integer("after", -kMost);
    return made;
}

Made stretch(Arguments& a) {
    auto made = std::make_unique<StretchInstruction>();
    made->times = a.integer("times", 1);
    return made;
}

Made permute(Arguments& a) {
    auto made = std::make_unique<PermuteInstruction>();
    made->axes = cast_to<std::vector<i64>>("axes", "numbers of axes", a.object("axes"));
    return made;
}

Made concatenate(Arguments& a) {
    auto made = std::make_unique<ConcatenateInstruction>();
    made->axis = static_cast<int>(a.integer("axis", 0, kMaxAxes - 1));
    return made;
}

template <BinaryOp op> Made binary(Arguments&) {
    auto made = std::make_unique<BinaryInstruction>();
    made->op = op;
    return made;
}

template <bool both> Made joined_masks(Arguments&) {
    auto made = std::make_unique<JoinedMasksInstruction>();
    made->both = both;
    return made;
}

template <class T> Made plain(Arguments&) { return std::make_unique<T>(); }

struct Maker {
    const char* name;
    Made (*make)(Arguments&);
};

constexpr Maker kMakers[] = {
    {"embedding", embedding},
    {"nonzero", plain<NonzeroInstruction>},
    {"masking", masking},
    {"shift", shift},
    {"activation", activation},
    {"softmax", plain<SoftmaxInstruction>},
    {"row_norm", row_norm},
    {"column_norm", column_norm},
    {"dense", dense},
    {"recurrent", recurrent},
    {"attention", attention},
    {"position", position},
    {"wave", wave},
    {"rotary", rotary},
    {"last_step", plain<LastStepInstruction>},
    {"conv", conv},
    {"depthwise", depthwise},
    {"pool", pool},
    {"pool_over_time", pool_over_time},
    {"reshape", reshape},
    {"repeat", repeat},
    {"pad", pad},
    {"stretch", stretch},
    {"permute", permute},
    {"flip", plain<FlipInstruction>},
    {"concatenate", concatenate},
    {"add", binary<BinaryOp::add>},
    {"subtract", binary<BinaryOp::subtract>},
    {"multiply", binary<BinaryOp::multiply>},
    {"divide", binary<BinaryOp::divide>},
    {"maximum", binary<BinaryOp::maximum>},
    {"minimum", binary<BinaryOp::minimum>},
    {"either", joined_masks<false>},
    {"both", joined_masks<true>},
};

Made make(const std::string& operation, Arguments& arguments) {
    for (const Maker& known : kMakers)
        if (operation == known.name) return known.make(arguments);
    fail("operation", "one that programs have", "'" + operation + "'");
}

} // namespace

std::unique_ptr<Instruction> parse_instruction(const py::tuple& description, const Kernels& kernels,
                                               std::vector<py::object>& owners) {
    if (description.size() != 5)
        fail("instruction", "(operation, name, inputs, outputs, arguments)", py::str(description));
    Arguments arguments(cast_to<py::dict>("arguments", "a dictionary", description[4]), kernels,
                        owners);
    Made made = make(cast_to<std::string>("operation", "a text", description[0]), arguments);
    made->name = cast_to<std::string>("name", "a text", description[1]);
    made->inputs = cast_to<std::vector<int>>("inputs", "places of values", description[2]);
    made->outputs = cast_to<std::vector<int>>("outputs", "places of values", description[3]);
    return made;
}

} // namespace gw
