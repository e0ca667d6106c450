// The transcendental functions of the C library, which Swift's standard library lacks. Only this file imports it, and it calls pure
// functions only, so the core stays free of input and output.

import Glibc

enum MathKernel {
    static func exp(_ x: Double) -> Double { Glibc.exp(x) }
    static func ln(_ x: Double) -> Double { Glibc.log(x) }
    static func log10(_ x: Double) -> Double { Glibc.log10(x) }
    static func pow(_ x: Double, _ y: Double) -> Double { Glibc.pow(x, y) }
}
