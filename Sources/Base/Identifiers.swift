// Ids are distinct types, so that a slot is never taken for an offset.

/// The id of something; two kinds of id never mix.
public protocol TypedID: RawRepresentable, Hashable, Comparable, Sendable, CustomStringConvertible
where RawValue: Comparable & Hashable & Sendable {
    init(_ rawValue: RawValue)
    var rawValue: RawValue { get }
}

extension TypedID {
    @inlinable public init?(rawValue: RawValue) { self.init(rawValue) }
    @inlinable public static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }
    public var description: String { "\(rawValue)" }
}

/// Names go by their bytes.
extension TypedID where RawValue == String {
    @inlinable public static func == (left: Self, right: Self) -> Bool { left.rawValue.hasSameBytes(as: right.rawValue) }
    @inlinable public static func < (left: Self, right: Self) -> Bool { left.rawValue.precedesByBytes(right.rawValue) }
    @inlinable public func hash(into hasher: inout Hasher) { ExactText(rawValue).hash(into: &hasher) }
}

/// A position in a replicated log; the first command has slot 1, 0 is before all.
public struct Slot: TypedID {
    public let rawValue: Int64
    @inlinable public init(_ rawValue: Int64) { self.rawValue = rawValue }
    @inlinable public var next: Slot { Slot(rawValue &+ 1) }
    public static let zero = Slot(0)
}

/// A member of a quorum.
public struct NodeID: TypedID {
    public let rawValue: Int64
    @inlinable public init(_ rawValue: Int64) { self.rawValue = rawValue }
}

/// A proposal that waits for its outcome, unique within one replica's life.
public struct ProposalID: TypedID {
    public let rawValue: Int64
    @inlinable public init(_ rawValue: Int64) { self.rawValue = rawValue }
}
