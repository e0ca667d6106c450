// The transcendental functions of the C library, which Swift's standard library lacks. Only this file imports it, and it calls pure
// functions only, so the core stays free of input and output.

import Glibc

enum MathKernel {
    static func exp(_ x: Double) -> Double { Glibc.exp(x) }
    static func ln(_ x: Double) -> Double { Glibc.log(x) }
    static func log10(_ x: Double) -> Double { Glibc.log10(x) }
    static func sin(_ x: Double) -> Double { Glibc.sin(x) }
    static func cos(_ x: Double) -> Double { Glibc.cos(x) }
    static func tan(_ x: Double) -> Double { Glibc.tan(x) }
    static func asin(_ x: Double) -> Double { Glibc.asin(x) }
    static func acos(_ x: Double) -> Double { Glibc.acos(x) }
    static func atan(_ x: Double) -> Double { Glibc.atan(x) }
    static func atan2(_ y: Double, _ x: Double) -> Double { Glibc.atan2(y, x) }
    static func sinh(_ x: Double) -> Double { Glibc.sinh(x) }
    static func cosh(_ x: Double) -> Double { Glibc.cosh(x) }
    static func tanh(_ x: Double) -> Double { Glibc.tanh(x) }
    /// One step of Newton's method makes the last digit right, so that the root of 27 is 3.
    static func cbrt(_ x: Double) -> Double {
        let root = Glibc.cbrt(x)
        let step = (root * root * root - x) / (3 * root * root)
        return step.isFinite ? root - step : root
    }
    static func asinh(_ x: Double) -> Double { Glibc.asinh(x) }
    static func acosh(_ x: Double) -> Double { Glibc.acosh(x) }
    static func atanh(_ x: Double) -> Double { Glibc.atanh(x) }
    static func expm1(_ x: Double) -> Double { Glibc.expm1(x) }
    static func log1p(_ x: Double) -> Double { Glibc.log1p(x) }
    static func hypot(_ x: Double, _ y: Double) -> Double { Glibc.hypot(x, y) }
    static func pow(_ x: Double, _ y: Double) -> Double { Glibc.pow(x, y) }
}
