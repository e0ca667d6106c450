// Commands about names and the attributes of nodes.
import Base

/// A command about the namespace.
package enum NameCommand: WireLayout, Equatable {
    /// `createParents` also makes the missing directories above; `unmasked` are the bits for a directory whose parent has default access
    /// entries.
    case makeDirectory(path: String, permission: Int16, unmasked: Int16, createParents: Bool, Caller)
    /// Renames, or refuses with the reason; `overwrite` replaces a file or an empty directory.
    case renameOver(source: String, target: String, overwrite: Bool, Caller)
    case changeACL(path: String, AccessListChange, [AccessEntry], Caller)
    /// Bits of `flags`: 1 create, 2 replace.
    case setAttribute(path: String, ExtendedAttribute, flags: Int64, Caller)
    case removeAttribute(path: String, ExtendedAttribute, Caller)
    /// -1 removes a quota, nil (written as Int64.min) leaves it.
    case setQuota(path: String, names: Int64?, spaceBytes: Int64?, Caller)
    case setPolicy(path: String, number: Int64, Caller)
    /// Gives the file system its number, once and for ever.
    case identify(Int64)

    package init() { self = .setPolicy(path: "", number: 0, Caller()) }

    private static let uses: [Int8: CommandFieldSet] = [
        1: [.path, .number, .second, .flag, .caller], 2: [.path, .other, .flag, .caller], 3: [.path, .number, .entries, .caller],
        4: [.path, .attribute, .number, .caller], 5: [.path, .attribute, .caller], 6: [.path, .number, .second, .caller],
        7: [.path, .number, .caller], 8: [.number],
    ]

    private func fill(_ fields: inout CommandFields) -> Int8 {
        switch self {
        case .makeDirectory(let path, let permission, let unmasked, let parents, let caller):
            (fields.path, fields.number, fields.second, fields.flag, fields.caller) = (
                path, Int64(permission), Int64(unmasked), parents, caller
            )
            return 1
        case .renameOver(let source, let target, let overwrite, let caller):
            (fields.path, fields.other, fields.flag, fields.caller) = (source, target, overwrite, caller)
            return 2
        case .changeACL(let path, let change, let entries, let caller):
            (fields.path, fields.number, fields.entries, fields.caller) = (path, Int64(change.rawValue), entries, caller)
            return 3
        case .setAttribute(let path, let attribute, let flags, let caller):
            (fields.path, fields.attribute, fields.number, fields.caller) = (path, attribute, flags, caller)
            return 4
        case .removeAttribute(let path, let attribute, let caller):
            (fields.path, fields.attribute, fields.caller) = (path, attribute, caller)
            return 5
        case .setQuota(let path, let names, let bytes, let caller):
            (fields.path, fields.number, fields.second, fields.caller) = (path, names ?? .min, bytes ?? .min, caller)
            return 6
        case .setPolicy(let path, let number, let caller):
            (fields.path, fields.number, fields.caller) = (path, number, caller)
            return 7
        case .identify(let number):
            fields.number = number
            return 8
        }
    }

    package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        var fields = CommandFields(0, Self.uses) { _ in }
        fields.tag = fill(&fields)
        try io.nested(&fields)
        let (path, caller) = (fields.path, fields.caller)
        switch fields.tag {
        case 1:
            let (permission, unmasked) = (Int16(truncatingIfNeeded: fields.number), Int16(truncatingIfNeeded: fields.second))
            self = .makeDirectory(path: path, permission: permission, unmasked: unmasked, createParents: fields.flag, caller)
        case 2: self = .renameOver(source: path, target: fields.other, overwrite: fields.flag, caller)
        case 3:
            guard let change = AccessListChange(rawValue: Int8(truncatingIfNeeded: fields.number)) else {
                throw .unknownTag("change of an access list", Int(truncatingIfNeeded: fields.number))
            }
            self = .changeACL(path: path, change, fields.entries, caller)
        case 4: self = .setAttribute(path: path, fields.attribute, flags: fields.number, caller)
        case 5: self = .removeAttribute(path: path, fields.attribute, caller)
        case 6:
            self = .setQuota(
                path: path, names: fields.number == .min ? nil : fields.number, spaceBytes: fields.second == .min ? nil : fields.second,
                caller)
        case 7: self = .setPolicy(path: path, number: fields.number, caller)
        default: self = .identify(fields.number)
        }
    }
}
