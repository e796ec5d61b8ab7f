// A trained network with its recipe, written by fivesigma. C++17, without dependencies; do not edit.
//
@METADATA@
//
@ORDER@
//
//   @NAMESPACE@::Inputs in;
//   in.… = …;                                  // which values are missing: see above
//   float out[@NAMESPACE@::outputs];
//   @NAMESPACE@::score(in, out);
//
// The test program reads events as text, the inputs of one after the other, and prints a line of scores for each:
//   g++ -std=c++17 -O2 -DFIVESIGMA_TEST_PROGRAM -x c++ FILE -o model && ./model < numbers.txt

#ifdef FIVESIGMA_@NAMESPACE@_HPP
#if FIVESIGMA_@NAMESPACE@_HPP != 0x@HASH@
#error "another model has the namespace @NAMESPACE@, too: export one of them with --set namespace=NAME"
#endif
#else
#define FIVESIGMA_@NAMESPACE@_HPP 0x@HASH@

#if defined(__FAST_MATH__) || (defined(__FINITE_MATH_ONLY__) && __FINITE_MATH_ONLY__)
#error "missing values are NaN, which -ffast-math, -Ofast and -ffinite-math-only do not keep"
#endif

#include <cmath>
#include <limits>

namespace @NAMESPACE@ {

constexpr int outputs = @OUTPUTS@;

struct Inputs {
@FIELDS@
};

namespace detail {

// NumPy's functions, in double precision.
namespace in_double {
inline double exp(double x) { return std::exp(x); }
inline double expm1(double x) { return std::expm1(x); }
inline double log(double x) { return std::log(x); }
inline double log10(double x) { return std::log10(x); }
inline double log2(double x) { return std::log2(x); }
inline double log1p(double x) { return std::log1p(x); }
inline double sin(double x) { return std::sin(x); }
inline double cos(double x) { return std::cos(x); }
inline double tan(double x) { return std::tan(x); }
inline double sinh(double x) { return std::sinh(x); }
inline double cosh(double x) { return std::cosh(x); }
inline double tanh(double x) { return std::tanh(x); }
inline double arcsin(double x) { return std::asin(x); }
inline double arccos(double x) { return std::acos(x); }
inline double arctan(double x) { return std::atan(x); }
inline double arcsinh(double x) { return std::asinh(x); }
inline double arccosh(double x) { return std::acosh(x); }
inline double arctanh(double x) { return std::atanh(x); }
inline double arctan2(double y, double x) { return std::atan2(y, x); }
inline double hypot(double x, double y) { return std::hypot(x, y); }
inline double power(double x, double y) { return std::pow(x, y); }
inline double delta_phi(double x) { return std::atan2(std::sin(x), std::cos(x)); }
inline double remainder(double x, double y) {
    const double rest = std::fmod(x, y);
    if (rest == 0) return std::copysign(0.0, y);
    return (rest < 0) != (y < 0) ? rest + y : rest;
}
inline double floor_divide(double x, double y) {
    if (y == 0) return x / y;
    const double rest = std::fmod(x, y);
    double quotient = (x - rest) / y;
    if (rest != 0 && (rest < 0) != (y < 0)) quotient -= 1;
    return std::rint(quotient);
}
}  // namespace in_double

template <typename T> inline T sign(T x) { return std::isnan(x) ? x : T((x > 0) - (x < 0)); }
template <typename T> inline T minimum(T x, T y) { return x < y || std::isnan(x) ? x : y; }
template <typename T> inline T maximum(T x, T y) { return x > y || std::isnan(x) ? x : y; }

// Rounds to so many bits behind the point; what is too large saturates before, or wraps around after.
inline float quantise_high(float x, float scale, float step, float low, float high, float half) {
    return std::floor(maximum(minimum(x, high), low) * scale + half) * step;
}
inline float quantise_span(float x, float scale, float step, float low, float span, float half) {
    const float rounded = std::floor(x * scale + half) * step;
    return rounded - std::floor((rounded - low) / span) * span;
}

namespace activation {
inline float relu(float x) { return x > 0 ? x : 0.0f; }
inline float leaky_relu(float x, float slope) { return x > 0 ? x : slope * x; }
inline float elu(float x, float slope) { return x > 0 ? x : slope * std::expm1(x); }
inline float selu(float x) { return 1.05070098735548f * (x > 0 ? x : 1.67326324235438f * std::expm1(x)); }
inline float tanh(float x) { return std::tanh(x); }
inline float exponential(float x) { return std::exp(x); }
inline float sigmoid(float x) {
    const float small = std::exp(-std::abs(x));
    return x >= 0 ? 1.0f / (1.0f + small) : small / (1.0f + small);
}
inline float silu(float x) { return x * sigmoid(x); }
inline float gelu(float x) { return 0.5f * x * std::erfc(-0.70710678118655f * x); }
inline float softplus(float x) { return std::log1p(std::exp(-std::abs(x))) + (x > 0 ? x : 0.0f); }
inline float softsign(float x) { return x / (1.0f + std::abs(x)); }
inline float mish(float x) { return x * std::tanh(softplus(x)); }
inline float hard_sigmoid(float x) {
    const float y = x / 6.0f + 0.5f;
    return y < 0 ? 0.0f : y > 1 ? 1.0f : y;
}
}  // namespace activation

// The sums of all units side by side, so that a compiler can use wide registers.
template <int I, int O> inline void dense(const float* in, const float* kernel, const float* bias, float* out) {
    for (int j = 0; j < O; ++j) out[j] = bias[j];
    for (int i = 0; i < I; ++i) {
        const float x = in[i];
        const float* row = kernel + i * O;
        for (int j = 0; j < O; ++j) out[j] += x * row[j];
    }
}

template <int N> inline void softmax(const float* in, float* out) {
    float largest = in[0], sum = 0.0f;
    for (int j = 1; j < N; ++j) largest = in[j] > largest ? in[j] : largest;
    for (int j = 0; j < N; ++j) sum += out[j] = std::exp(in[j] - largest);
    for (int j = 0; j < N; ++j) out[j] /= sum;
}

template <int N> inline void norm(const float* in, const float* scale, const float* shift, float small, float* out) {
    float mean = 0.0f, variance = 0.0f;
    for (int j = 0; j < N; ++j) mean += in[j] / N;
    for (int j = 0; j < N; ++j) variance += (in[j] - mean) * (in[j] - mean) / N;
    const float spread = std::sqrt(variance + small);
    for (int j = 0; j < N; ++j) out[j] = (in[j] - mean) / spread * scale[j] + shift[j];
}

// A product and a sum are rounded one after the other, as in training: where a compiler makes one operation of them, e*e - p*p
// of a massless particle is not zero, and its root may be missing.
#if defined(__GNUC__) && !defined(__clang__)
__attribute__((noinline, optimize("fp-contract=off")))
#endif
inline void compute(const Inputs& in, float* features, [[maybe_unused]] float* parameters) {
#ifdef __clang__
#pragma clang fp contract(off)
#endif
@COMPUTE@
}

@NETWORKS@

}  // namespace detail

inline void score(const Inputs& in, float* out) {
    using namespace detail;
    float features[@FEATURES@], found[outputs];
    float parameters[@PARAMETERS@] = {};
    double sum[outputs] = {};
    compute(in, features, parameters);
@CALLS@
    for (int j = 0; j < outputs; ++j) out[j] = static_cast<float>(sum[j] / @COUNT@);
}

}  // namespace @NAMESPACE@

#endif

#ifdef FIVESIGMA_TEST_PROGRAM
#include <cstdio>

int main() {
    bool more = true;
    const auto next = [&more] {
        double value = 0;
        more = more && std::scanf("%lf", &value) == 1;
        return value;
    };
    while (true) {
        @NAMESPACE@::Inputs in;
@READ@
        if (!more) return 0;
        float out[@NAMESPACE@::outputs];
        @NAMESPACE@::score(in, out);
        for (int j = 0; j < @NAMESPACE@::outputs; ++j) std::printf("%.9g%c", out[j], j + 1 < @NAMESPACE@::outputs ? ' ' : '\n');
    }
}
#endif
