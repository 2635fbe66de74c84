/* See kernels.h. Each kernel names the file of LiteRT whose results it has (google-ai-edge/LiteRT, under tflite/
 * kernels/internal/reference), gemmlowp's file stands for google/gemmlowp's fixedpoint/fixedpoint.h.
 *
 * Negative numbers are shifted to the right as all the compilers in question do it: the sign stays.
 */
#include "kernels.h"

/* ---- Numbers with a fixed point: gemmlowp, and MultiplyByQuantizedMultiplier of common.cc ---- */

/* The upper half of 2ab, rounded. */
static int32_t multiply_high(int32_t a, int32_t b)
{
    const int64_t product = (int64_t)a * b;
    const int64_t nudge = product >= 0 ? (int64_t)1 << 30 : 1 - ((int64_t)1 << 30);
    if (a == INT32_MIN && b == INT32_MIN)
        return INT32_MAX;
    return (int32_t)((product + nudge) / ((int64_t)1 << 31));
}

/* x / 2^exponent, halves away from 0. */
static int32_t shift_right(int32_t x, int32_t exponent)
{
    const int32_t mask = (int32_t)(((int64_t)1 << exponent) - 1);
    const int32_t half = (mask >> 1) + (x < 0 ? 1 : 0);
    return (x >> exponent) + ((x & mask) > half ? 1 : 0);
}

/* 2^exponent x, as near as 32 bits come. */
static int32_t shift_left(int32_t x, int32_t exponent)
{
    const int64_t shifted = (int64_t)x * ((int64_t)1 << exponent);
    return shifted > INT32_MAX ? INT32_MAX : shifted < INT32_MIN ? INT32_MIN : (int32_t)shifted;
}

/* x times multiplier / 2^31 times 2^shift: it rounds twice. */
static int32_t scaled(int32_t x, int32_t multiplier, int32_t shift)
{
    if (shift > 0)
        return multiply_high(x * ((int32_t)1 << shift), multiplier);
    return shift_right(multiply_high(x, multiplier), -shift);
}

static int32_t clamped(int32_t x, int32_t lowest, int32_t highest)
{
    return x < lowest ? lowest : x > highest ? highest : x;
}

/* ---- The double of FULLY_CONNECTED ---- */

static int32_t bit_length(uint64_t x)
{
    int32_t bits = 0;
    for (int32_t step = 32; step > 0; step /= 2)
        if (x >> step) {
            x >>= step;
            bits += step;
        }
    return bits + (x ? 1 : 0);
}

/* round(x * scale) of a double, whose 53 bits are high and low, times 2^-shift: the product is rounded to 53 bits,
 * ties to even, and then to a whole number, halves away from 0. */
static int32_t scaled_by_double(int32_t x, uint32_t high, uint32_t low, int32_t shift)
{
    const uint64_t magnitude = (uint64_t)(x < 0 ? -(int64_t)x : (int64_t)x);
    const uint64_t lower = magnitude * low;
    const uint64_t top = magnitude * high + (lower >> 32);
    const uint64_t bottom = lower & 0xffffffffu;
    const int32_t dropped = bit_length(top) - 21; /* the product is top and 32 bits more */
    uint64_t kept = (top << 32) | bottom;
    int32_t result;
    if (dropped > 0) {
        const uint64_t rest = bottom & (((uint64_t)1 << dropped) - 1);
        const uint64_t half = (uint64_t)1 << (dropped - 1);
        kept = (top << (32 - dropped)) | (bottom >> dropped);
        kept += rest > half || (rest == half && (kept & 1)) ? 1 : 0;
        shift -= dropped;
    }
    if (shift > 54)
        result = 0;
    else if (shift > 0)
        result = (int32_t)((kept + ((uint64_t)1 << (shift - 1))) >> shift);
    else
        result = (int32_t)(kept << -shift);
    return x < 0 ? -result : result;
}

/* ---- Where things are ---- */

struct memory {
    const uint8_t *constants;
    uint8_t *values;
};

static const uint8_t *bytes_at(const struct memory *memory, int32_t place)
{
    return place < 0 ? memory->constants + (-1 - place) : memory->values + place;
}

static const int8_t *int8_at(const struct memory *memory, int32_t place)
{
    return (const int8_t *)bytes_at(memory, place);
}

static const int32_t *int32_at(const struct memory *memory, int32_t place)
{
    return (const int32_t *)(const void *)bytes_at(memory, place);
}

static int8_t *output_at(const struct memory *memory, int32_t place)
{
    return (int8_t *)(memory->values + place);
}

/* The number of a value in a tensor of this shape. */
static int32_t number(const int32_t shape[4], int32_t batch, int32_t y, int32_t x, int32_t channel)
{
    return ((batch * shape[1] + y) * shape[2] + x) * shape[3] + channel;
}

/* ---- CONV_2D, DEPTHWISE_CONV_2D: integer_ops/conv.h, integer_ops/depthwise_conv.h ---- */

#if defined(__wasm_simd128__)
/* Eight products at a time with the instruction that exists for them, which compilers do not find by themselves. */
static int32_t dot(const int8_t *weights, const int16_t *window, int32_t count)
{
    typedef int8_t eight_int8 __attribute__((vector_size(8)));
    typedef int16_t eight_int16 __attribute__((vector_size(16)));
    typedef int32_t four_int32 __attribute__((vector_size(16)));
    four_int32 sums = {0, 0, 0, 0};
    int32_t i = 0, sum;
    for (; i + 8 <= count; i += 8) {
        eight_int8 narrow;
        eight_int16 values;
        __builtin_memcpy(&narrow, weights + i, sizeof narrow);
        __builtin_memcpy(&values, window + i, sizeof values);
        sums += __builtin_wasm_dot_s_i32x4_i16x8(__builtin_convertvector(narrow, eight_int16), values);
    }
    sum = sums[0] + sums[1] + sums[2] + sums[3];
    for (; i < count; i++)
        sum += weights[i] * window[i];
    return sum;
}
#else
static int32_t dot(const int8_t *weights, const int16_t *window, int32_t count)
{
    int32_t sum = 0;
    for (int32_t i = 0; i < count; i++)
        sum += weights[i] * window[i];
    return sum;
}
#endif

/* Gather what lies under a filter of one group, less its zero point; beside the image is 0. */
static void gather(const struct kc_convolution *step, const int8_t *input, int16_t *window, int32_t batch,
                   int32_t top, int32_t left, int32_t first, int32_t channels)
{
    for (int32_t fy = 0; fy < step->filter[0]; fy++) {
        const int32_t y = top + fy * step->dilation[0];
        for (int32_t fx = 0; fx < step->filter[1]; fx++) {
            const int32_t x = left + fx * step->dilation[1];
            const int inside = y >= 0 && y < step->input_shape[1] && x >= 0 && x < step->input_shape[2];
            const int8_t *from = inside ? input + number(step->input_shape, batch, y, x, first) : input;
            for (int32_t c = 0; c < channels; c++)
                window[c] = (int16_t)(inside ? from[c] - step->input_zero : 0);
            window += channels;
        }
    }
}

static void convolution(const struct kc_convolution *step, const struct memory *memory)
{
    const int8_t *input = int8_at(memory, step->input);
    const int8_t *weights = int8_at(memory, step->weights);
    const int32_t *bias = int32_at(memory, step->bias);
    const int32_t *multiplier = int32_at(memory, step->multiplier), *shift = int32_at(memory, step->shift);
    int16_t *window = (int16_t *)(void *)(memory->values + step->window);
    int8_t *output = output_at(memory, step->output);
    const int32_t channels = step->input_shape[3] / step->groups;
    const int32_t filters = step->output_shape[3] / step->groups;
    const int32_t count = step->filter[0] * step->filter[1] * channels;
    for (int32_t batch = 0; batch < step->output_shape[0]; batch++)
        for (int32_t y = 0; y < step->output_shape[1]; y++)
            for (int32_t x = 0; x < step->output_shape[2]; x++)
                for (int32_t group = 0; group < step->groups; group++) {
                    gather(step, input, window, batch, y * step->stride[0] - step->pad[0],
                           x * step->stride[1] - step->pad[1], group * channels, channels);
                    for (int32_t c = group * filters; c < (group + 1) * filters; c++) {
                        const int32_t sum = dot(weights + c * count, window, count) + bias[c];
                        const int32_t result = scaled(sum, multiplier[c], shift[c]) + step->output_zero;
                        *output++ = (int8_t)clamped(result, step->lowest, step->highest);
                    }
                }
}

static int32_t depthwise_sum(const struct kc_convolution *step, const int8_t *input, const int8_t *weights,
                             int32_t batch, int32_t top, int32_t left, int32_t channel)
{
    const int32_t channels = step->output_shape[3];
    const int32_t from = channel / (channels / step->input_shape[3]);
    int32_t sum = 0;
    for (int32_t fy = 0; fy < step->filter[0]; fy++) {
        const int32_t y = top + fy * step->dilation[0];
        if (y < 0 || y >= step->input_shape[1])
            continue;
        for (int32_t fx = 0; fx < step->filter[1]; fx++) {
            const int32_t x = left + fx * step->dilation[1];
            if (x >= 0 && x < step->input_shape[2])
                sum += weights[(fy * step->filter[1] + fx) * channels + channel] *
                       (input[number(step->input_shape, batch, y, x, from)] - step->input_zero);
        }
    }
    return sum;
}

static void depthwise(const struct kc_convolution *step, const struct memory *memory)
{
    const int8_t *input = int8_at(memory, step->input);
    const int8_t *weights = int8_at(memory, step->weights);
    const int32_t *bias = int32_at(memory, step->bias);
    const int32_t *multiplier = int32_at(memory, step->multiplier), *shift = int32_at(memory, step->shift);
    int8_t *output = output_at(memory, step->output);
    for (int32_t batch = 0; batch < step->output_shape[0]; batch++)
        for (int32_t y = 0; y < step->output_shape[1]; y++)
            for (int32_t x = 0; x < step->output_shape[2]; x++)
                for (int32_t c = 0; c < step->output_shape[3]; c++) {
                    const int32_t sum =
                        bias[c] + depthwise_sum(step, input, weights, batch, y * step->stride[0] - step->pad[0],
                                                x * step->stride[1] - step->pad[1], c);
                    const int32_t result = scaled(sum, multiplier[c], shift[c]) + step->output_zero;
                    *output++ = (int8_t)clamped(result, step->lowest, step->highest);
                }
}

/* ---- FULLY_CONNECTED: integer_ops/fully_connected.h, the functions that take scales ---- */

static void fully_connected(const struct kc_fully_connected *step, const struct memory *memory)
{
    const int8_t *input = int8_at(memory, step->input);
    const int8_t *weights = int8_at(memory, step->weights);
    const int32_t *bias = int32_at(memory, step->bias);
    const int32_t *high = int32_at(memory, step->scale_high), *low = int32_at(memory, step->scale_low);
    const int32_t *shift = int32_at(memory, step->shift);
    int16_t *window = (int16_t *)(void *)(memory->values + step->window);
    int8_t *output = output_at(memory, step->output);
    for (int32_t row = 0; row < step->rows; row++) {
        for (int32_t i = 0; i < step->depth; i++)
            window[i] = (int16_t)(*input++ - step->input_zero);
        for (int32_t unit = 0; unit < step->units; unit++) {
            const int32_t sum = dot(weights + unit * step->depth, window, step->depth) + bias[unit];
            const int32_t result =
                scaled_by_double(sum, (uint32_t)high[unit], (uint32_t)low[unit], shift[unit]) + step->output_zero;
            *output++ = (int8_t)clamped(result, step->lowest, step->highest);
        }
    }
}

/* ---- MAX_POOL_2D, AVERAGE_POOL_2D: integer_ops/pooling.h ---- */

/* The part of a window along one side that is in the image: from `from` to before `to`. */
static void cut(int32_t start, int32_t length, int32_t side, int32_t *from, int32_t *to)
{
    *from = start < 0 ? 0 : start;
    *to = start + length < side ? start + length : side;
}

static int32_t largest(const struct kc_pool *step, const int8_t *input, int32_t batch, const int32_t window[4],
                       int32_t channel)
{
    int32_t found = INT8_MIN;
    for (int32_t y = window[0]; y < window[1]; y++)
        for (int32_t x = window[2]; x < window[3]; x++) {
            const int32_t value = input[number(step->input_shape, batch, y, x, channel)];
            found = value > found ? value : found;
        }
    return found;
}

static int32_t average(const struct kc_pool *step, const int8_t *input, int32_t batch, const int32_t window[4],
                       int32_t channel)
{
    const int32_t count = (window[1] - window[0]) * (window[3] - window[2]);
    int32_t sum = 0;
    for (int32_t y = window[0]; y < window[1]; y++)
        for (int32_t x = window[2]; x < window[3]; x++)
            sum += input[number(step->input_shape, batch, y, x, channel)];
    return (sum > 0 ? sum + count / 2 : sum - count / 2) / count;
}

static void pool(const struct kc_pool *step, const struct memory *memory)
{
    const int8_t *input = int8_at(memory, step->input);
    int8_t *output = output_at(memory, step->output);
    int32_t window[4];
    for (int32_t batch = 0; batch < step->output_shape[0]; batch++)
        for (int32_t y = 0; y < step->output_shape[1]; y++) {
            cut(y * step->stride[0] - step->pad[0], step->filter[0], step->input_shape[1], window, window + 1);
            for (int32_t x = 0; x < step->output_shape[2]; x++) {
                cut(x * step->stride[1] - step->pad[1], step->filter[1], step->input_shape[2], window + 2, window + 3);
                for (int32_t c = 0; c < step->output_shape[3]; c++) {
                    const int32_t result = step->step.kernel == KC_MAX_POOL ? largest(step, input, batch, window, c)
                                                                            : average(step, input, batch, window, c);
                    *output++ = (int8_t)clamped(result, step->lowest, step->highest);
                }
            }
        }
}

/* ---- MEAN: QuantizedMeanOrSum of reduce.h ---- */

static int32_t sum_over(const int8_t *input, const int32_t shape[4], const int32_t sides[4])
{
    int32_t sum = 0;
    for (int32_t a = 0; a < sides[0]; a++)
        for (int32_t b = 0; b < sides[1]; b++)
            for (int32_t c = 0; c < sides[2]; c++)
                for (int32_t d = 0; d < sides[3]; d++)
                    sum += input[number(shape, a, b, c, d)];
    return sum;
}

static void mean(const struct kc_mean *step, const struct memory *memory)
{
    const int8_t *input = int8_at(memory, step->input);
    int8_t *output = output_at(memory, step->output);
    const int32_t *shape = step->input_shape;
    int32_t kept[4], reduced[4];
    for (int32_t side = 0; side < 4; side++) {
        kept[side] = step->reduced[side] ? 1 : shape[side];
        reduced[side] = step->reduced[side] ? shape[side] : 1;
    }
    for (int32_t a = 0; a < kept[0]; a++)
        for (int32_t b = 0; b < kept[1]; b++)
            for (int32_t c = 0; c < kept[2]; c++)
                for (int32_t d = 0; d < kept[3]; d++) {
                    const int32_t sum = sum_over(input + number(shape, a, b, c, d), shape, reduced);
                    const int32_t centred = sum - step->input_zero * step->count;
                    const int32_t result = scaled(centred, step->multiplier, step->shift) + step->output_zero;
                    *output++ = (int8_t)clamped(result, INT8_MIN, INT8_MAX);
                }
}

/* ---- ADD: integer_ops/add.h ---- */

static void add(const struct kc_add *step, const struct memory *memory)
{
    const int8_t *first = int8_at(memory, step->first), *second = int8_at(memory, step->second);
    const int32_t *shape = step->output_shape, *f = step->first_strides, *s = step->second_strides;
    const int32_t finer = (int32_t)1 << 20;
    int8_t *output = output_at(memory, step->output);
    for (int32_t a = 0; a < shape[0]; a++)
        for (int32_t b = 0; b < shape[1]; b++)
            for (int32_t c = 0; c < shape[2]; c++)
                for (int32_t d = 0; d < shape[3]; d++) {
                    const int32_t x = first[a * f[0] + b * f[1] + c * f[2] + d * f[3]] - step->first_zero;
                    const int32_t y = second[a * s[0] + b * s[1] + c * s[2] + d * s[3]] - step->second_zero;
                    const int32_t sum = scaled(x * finer, step->first_multiplier, step->first_shift) +
                                        scaled(y * finer, step->second_multiplier, step->second_shift);
                    const int32_t result =
                        scaled(sum, step->output_multiplier, step->output_shift) + step->output_zero;
                    *output++ = (int8_t)clamped(result, step->lowest, step->highest);
                }
}

/* ---- SOFTMAX: softmax.h, with gemmlowp's functions. Qn: n bits before the point, 31 - n behind it ---- */

/* exp(x) in Q0 of a negative x in Q5. */
static int32_t exp_of_negative(int32_t x)
{
    /* exp(-2^(n - 2)) for n = 0 to 6. */
    static const int32_t factors[7] = {1672461947, 1302514674, 790015084, 290630308, 39332535, 720401, 242};
    const int32_t quarter = (int32_t)1 << 24;
    const int32_t fraction = (x & (quarter - 1)) - quarter; /* from -1/4 to 0 */
    const int32_t whole = fraction - x;                     /* a sum of quarters */
    const int32_t centred = shift_left(fraction, 5) + ((int32_t)1 << 28); /* Q0, about -1/8 */
    const int32_t square = multiply_high(centred, centred);
    const int32_t cube = multiply_high(square, centred);
    const int32_t fourth = multiply_high(square, square);
    const int32_t third = 715827883, exp_of_minus_eighth = 1895147668;
    const int32_t higher = shift_right(multiply_high(shift_right(fourth, 2) + cube, third) + square, 1);
    int32_t result = exp_of_minus_eighth + multiply_high(exp_of_minus_eighth, centred + higher);
    for (int32_t bit = 0; bit < 7; bit++)
        if (whole & ((int32_t)1 << (24 + bit)))
            result = multiply_high(result, factors[bit]);
    return x ? result : INT32_MAX;
}

/* 1 / (1 + x) in Q0 of an x in Q0 from 0 to 1: three steps of Newton's method in Q2. */
static int32_t reciprocal_of_one_plus(int32_t x)
{
    const int32_t half = (int32_t)(((int64_t)x + INT32_MAX + 1) / 2);
    const int32_t one = (int32_t)1 << 29;
    int32_t estimate = 1515870810 + multiply_high(half, -1010580540); /* 48/17 - 32/17 half */
    for (int turn = 0; turn < 3; turn++) {
        const int32_t error = one - multiply_high(half, estimate);
        estimate += shift_left(multiply_high(estimate, error), 2);
    }
    return shift_left(estimate, 1);
}

static int32_t exp_of_difference(const struct kc_softmax *step, int32_t difference)
{
    return exp_of_negative(multiply_high(shift_left(difference, step->shift), step->multiplier));
}

static void softmax_row(const struct kc_softmax *step, const int8_t *input, int8_t *output)
{
    int32_t highest = INT8_MIN, sum = 0;
    for (int32_t i = 0; i < step->depth; i++)
        highest = input[i] > highest ? input[i] : highest;
    for (int32_t i = 0; i < step->depth; i++)
        if (input[i] - highest >= step->lowest_difference)
            sum += shift_right(exp_of_difference(step, input[i] - highest), 12); /* Q12 */
    const int32_t zeros = 32 - bit_length((uint32_t)sum);
    const int32_t reciprocal = reciprocal_of_one_plus((int32_t)(((uint32_t)sum << zeros) & INT32_MAX));
    const int32_t exponent = 35 - zeros; /* 256 steps */
    for (int32_t i = 0; i < step->depth; i++) {
        int32_t result = 0;
        if (input[i] - highest >= step->lowest_difference && exponent <= 31)
            result = shift_right(multiply_high(reciprocal, exp_of_difference(step, input[i] - highest)), exponent);
        output[i] = (int8_t)clamped(result + INT8_MIN, INT8_MIN, INT8_MAX);
    }
}

static void softmax(const struct kc_softmax *step, const struct memory *memory)
{
    const int8_t *input = int8_at(memory, step->input);
    int8_t *output = output_at(memory, step->output);
    for (int32_t row = 0; row < step->rows; row++)
        softmax_row(step, input + row * step->depth, output + row * step->depth);
}

/* ---- QUANTIZE: requantize.h ---- */

static void quantize(const struct kc_quantize *step, const struct memory *memory)
{
    const uint8_t *input = bytes_at(memory, step->input);
    uint8_t *output = memory->values + step->output;
    const int32_t lowest = step->output_unsigned ? 0 : -128;
    for (int32_t i = 0; i < step->count; i++) {
        const int32_t value = step->input_unsigned ? input[i] : (int8_t)input[i];
        const int32_t result = scaled(value - step->input_zero, step->multiplier, step->shift) + step->output_zero;
        output[i] = (uint8_t)clamped(result, lowest, lowest + 255);
    }
}

/* ---- What only moves values: reference_ops.h, pad.h, concatenation.h ---- */

static void copy(const struct kc_copy *step, const struct memory *memory)
{
    const uint8_t *input = bytes_at(memory, step->input);
    for (int32_t row = 0; row < step->rows; row++) {
        uint8_t *output = memory->values + step->output + row * step->output_row + step->output_start;
        for (int32_t i = 0; i < step->input_row; i++)
            output[i] = *input++;
    }
}

static void pad(const struct kc_pad *step, const struct memory *memory)
{
    const uint8_t *input = bytes_at(memory, step->input);
    const int32_t *shape = step->input_shape, *before = step->before;
    uint8_t *output = memory->values + step->output;
    for (int32_t a = -before[0]; a < step->output_shape[0] - before[0]; a++)
        for (int32_t b = -before[1]; b < step->output_shape[1] - before[1]; b++)
            for (int32_t c = -before[2]; c < step->output_shape[2] - before[2]; c++)
                for (int32_t d = -before[3]; d < step->output_shape[3] - before[3]; d++) {
                    const int inside = a >= 0 && a < shape[0] && b >= 0 && b < shape[1] && c >= 0 && c < shape[2] &&
                                       d >= 0 && d < shape[3];
                    *output++ = inside ? input[number(shape, a, b, c, d)] : (uint8_t)step->value;
                }
}

static void space_to_depth(const struct kc_space_to_depth *step, const struct memory *memory)
{
    const uint8_t *input = bytes_at(memory, step->input);
    const int32_t *shape = step->input_shape, block = step->block;
    uint8_t *output = memory->values + step->output;
    for (int32_t batch = 0; batch < shape[0]; batch++)
        for (int32_t y = 0; y < shape[1]; y += block)
            for (int32_t x = 0; x < shape[2]; x += block)
                for (int32_t dy = 0; dy < block; dy++)
                    for (int32_t dx = 0; dx < block; dx++)
                        for (int32_t c = 0; c < shape[3]; c++)
                            *output++ = input[number(shape, batch, y + dy, x + dx, c)];
}

/* ---- The program ---- */

static void run_step(const struct kc_step *step, const struct memory *memory)
{
    const void *whole = step;
    switch ((enum kc_kernel)step->kernel) {
    case KC_ADD: add(whole, memory); break;
    case KC_AVERAGE_POOL: pool(whole, memory); break;
    case KC_CONVOLUTION: convolution(whole, memory); break;
    case KC_COPY: copy(whole, memory); break;
    case KC_DEPTHWISE: depthwise(whole, memory); break;
    case KC_FULLY_CONNECTED: fully_connected(whole, memory); break;
    case KC_MAX_POOL: pool(whole, memory); break;
    case KC_MEAN: mean(whole, memory); break;
    case KC_PAD: pad(whole, memory); break;
    case KC_QUANTIZE: quantize(whole, memory); break;
    case KC_SOFTMAX: softmax(whole, memory); break;
    case KC_SPACE_TO_DEPTH: space_to_depth(whole, memory); break;
    }
}

void kc_run(const int32_t *steps, int32_t words, const uint8_t *constants, uint8_t *values)
{
    const struct memory memory = {constants, values};
    const int32_t *end = steps + words;
    while (steps < end) {
        const struct kc_step *step = (const void *)steps;
        run_step(step, &memory);
        steps += step->words;
    }
}
