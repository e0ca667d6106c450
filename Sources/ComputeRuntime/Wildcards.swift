// Patterns of names: of the files of a path, and of the catalog's databases, tables and views. In time by the product of the lengths.

package enum Wildcards {
    /// Whether a whole name fits a pattern: `*` stands for any bytes, `anyByte` for one.
    package static func matches(_ name: ArraySlice<UInt8>, _ pattern: ArraySlice<UInt8>, anyByte: UInt8? = nil) -> Bool {
        var (name, pattern) = (name, pattern)
        var retry: (name: ArraySlice<UInt8>, pattern: ArraySlice<UInt8>)?
        while true {
            if pattern.first == UInt8(ascii: "*") {
                pattern = pattern.dropFirst()
                retry = (name, pattern)
            } else if let byte = name.first, let wanted = pattern.first, wanted == byte || wanted == anyByte {
                name = name.dropFirst()
                pattern = pattern.dropFirst()
            } else if name.isEmpty, pattern.isEmpty {
                return true
            } else if let last = retry, !last.name.isEmpty {
                name = last.name.dropFirst()
                pattern = last.pattern
                retry = (name, pattern)
            } else {
                return false
            }
        }
    }
}
