/* The operators of an int8 network in whole numbers: what LiteRT's reference kernels compute, bit for bit.
 *
 * C99 that needs <stdint.h> alone: no allocation, no floating point, no recursion, no library.
 *
 * A program is a list of steps, each one of the structs below: int32_t alone, so that a step has the same layout
 * on every machine and can lie in flash. Whoever writes steps (encoding.py) reads the layout from this file.
 *
 * A place says where a tensor begins: byte `place` of the values, which the network computes, or, if it is
 * negative, byte -1 - place of the constants. Tensors of int32_t lie at multiples of four.
 *
 * Nothing is checked here. Whoever makes a program (build.py) proves that each index is inside its tensor and that
 * no sum leaves 32 bits.
 */
#ifndef KERASCNN_KERNELS_H
#define KERASCNN_KERNELS_H

#include <stdint.h>

enum kc_kernel {
    KC_ADD = 1,
    KC_AVERAGE_POOL = 2,
    KC_CONVOLUTION = 3,
    KC_COPY = 4,
    KC_DEPTHWISE = 5,
    KC_FULLY_CONNECTED = 6,
    KC_MAX_POOL = 7,
    KC_MEAN = 8,
    KC_PAD = 9,
    KC_QUANTIZE = 10,
    KC_SOFTMAX = 11,
    KC_SPACE_TO_DEPTH = 12
};

/* How each step begins. */
struct kc_step {
    int32_t kernel; /* one of enum kc_kernel */
    int32_t words;  /* length of the step, these two included */
};

/* Shapes are (batch, height, width, channels). A window starts `pad` before the image. */
struct kc_pool {
    struct kc_step step;
    int32_t input, output; /* places */
    int32_t input_shape[4], output_shape[4];
    int32_t filter[2], stride[2], pad[2]; /* (y, x) */
    int32_t lowest, highest;              /* what the fused activation leaves */
};

/* CONV_2D: weights (output channels, y, x, channels of a group). DEPTHWISE_CONV_2D: weights (1, y, x, output
 * channels), and `window` is not used. */
struct kc_convolution {
    struct kc_step step;
    int32_t input, output;
    int32_t weights, bias;     /* int8_t and int32_t, one bias for each output channel */
    int32_t multiplier, shift; /* int32_t, one for each output channel */
    int32_t window;            /* int16_t: room for the values under one filter */
    int32_t input_shape[4], output_shape[4];
    int32_t filter[2], stride[2], dilation[2], pad[2];
    int32_t groups;
    int32_t input_zero, output_zero;
    int32_t lowest, highest;
};

/* Its scale is a double in LiteRT: a whole number of 53 bits, here in two parts, times 2^-shift. */
struct kc_fully_connected {
    struct kc_step step;
    int32_t input, output;
    int32_t weights, bias;                 /* int8_t (units, depth), int32_t (units) */
    int32_t scale_high, scale_low, shift;  /* one for each unit: bits 32 to 52, bits 0 to 31, shift */
    int32_t window;                        /* int16_t: room for one row of the input */
    int32_t rows, depth, units;
    int32_t input_zero, output_zero;
    int32_t lowest, highest;
};

/* A side that the mean is taken over has `reduced` 1, others 0. The multiplier has the division by their count. */
struct kc_mean {
    struct kc_step step;
    int32_t input, output;
    int32_t input_shape[4], reduced[4];
    int32_t multiplier, shift;
    int32_t input_zero, output_zero;
    int32_t count;
};

/* The strides are those of the values in each input, 0 along a side where it is repeated. */
struct kc_add {
    struct kc_step step;
    int32_t first, second, output;
    int32_t output_shape[4], first_strides[4], second_strides[4];
    int32_t first_multiplier, first_shift, first_zero;
    int32_t second_multiplier, second_shift, second_zero;
    int32_t output_multiplier, output_shift, output_zero;
    int32_t lowest, highest;
};

/* Along the last side. Values that are further than this below the largest become 0. */
struct kc_softmax {
    struct kc_step step;
    int32_t input, output;
    int32_t rows, depth;
    int32_t multiplier, shift;
    int32_t lowest_difference;
};

/* int8_t or uint8_t to either of them. */
struct kc_quantize {
    struct kc_step step;
    int32_t input, output;
    int32_t count;
    int32_t multiplier, shift;
    int32_t input_zero, output_zero;
    int32_t input_unsigned, output_unsigned; /* 1 or 0 */
};

struct kc_pad {
    struct kc_step step;
    int32_t input, output;
    int32_t input_shape[4], output_shape[4], before[4];
    int32_t value;
};

struct kc_space_to_depth {
    struct kc_step step;
    int32_t input, output;
    int32_t input_shape[4];
    int32_t block;
};

/* RESHAPE, and CONCATENATION once for each of its inputs: rows of bytes, to `output_start` in each row. */
struct kc_copy {
    struct kc_step step;
    int32_t input, output;
    int32_t rows, input_row, output_row, output_start;
};

/* Run `words` words of steps. The three memories begin at multiples of four. */
void kc_run(const int32_t *steps, int32_t words, const uint8_t *constants, uint8_t *values);

#endif
