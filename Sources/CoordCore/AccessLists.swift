// Access lists once each: most nodes of a tree share a few of them.
import Base

/// Lists by number, counted by use.
struct AccessLists: Sendable {
    private struct Entry: Sendable {
        var list: [AccessRight]
        var uses: Int
    }
    private var entries = NumberedSlots<Entry>()
    private var numbers = LookupTable<[AccessRight], UInt32>()

    /// The list that was taken last: the next one is often the same.
    private var last: UInt32?

    mutating func take(_ list: [AccessRight]) -> UInt32 {
        if let last, entries[last].list == list {
            entries[last].uses += 1
            return last
        }
        let number = number(of: list)
        last = number
        return number
    }

    private mutating func number(of list: [AccessRight]) -> UInt32 {
        if let number = numbers[list] {
            entries[number].uses += 1
            return number
        }
        let number = entries.add(Entry(list: list, uses: 1))
        numbers[list] = number
        return number
    }

    mutating func giveBack(_ number: UInt32) {
        entries[number].uses -= 1
        guard entries[number].uses == 0 else { return }
        numbers.remove(entries[number].list)
        if last == number { last = nil }
        entries[number].list = []
        entries.remove(number)
    }

    subscript(number: UInt32) -> [AccessRight] { entries[number].list }
}
