// Text that is equal if its bytes are. Swift takes an é and an e with an accent behind it for the same; to ZooKeeper they are two names.
import Base

/// A path as a key.
package struct ExactText: Hashable, Sendable {
    package let text: String
    package init(_ text: String) { self.text = text }

    package static func == (left: ExactText, right: ExactText) -> Bool { left.text.hasSameBytes(as: right.text) }
    package func hash(into hasher: inout Hasher) {
        var text = text
        text.withUTF8 { hasher.combine(bytes: UnsafeRawBufferPointer($0)) }  // read within the call
    }

    /// In the order of the bytes of each one's text.
    static func sorted<T>(_ elements: [T], by text: (T) -> String) -> [T] { elements.sorted { precedes(text($0), text($1)) } }

    private static func precedes(_ left: String, _ right: String) -> Bool {
        // Both are read within the calls; compared as memory, which a session's thousands of nodes make worth it.
        let answer = left.utf8.withContiguousStorageIfAvailable { left in
            right.utf8.withContiguousStorageIfAvailable { right in left.lexicographicallyPrecedes(right) }
        }
        if case .some(.some(let answer)) = answer { return answer }
        return left.utf8.lexicographicallyPrecedes(right.utf8)
    }
}
