// DescribeClientQuotas: the limits of users and clients that match a filter. Source: Kafka protocol guide, api key 48; KIP-546.
import Base

package struct DescribeClientQuotasRequest: KafkaRequest, Equatable {
    package static var apiKey: ApiKey { ApiKey(48) }
    package typealias Response = DescribeClientQuotasResponse

    package var components: [Component] = []
    package var strict: Bool = false

    package init() {}

    package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        try io.list(&components)
        try io.bool(&strict)
        try io.tags()
    }

    package struct Component: WireLayout, Equatable {
        package var entityType: String = ""
        /// 0 for a name, 1 for the default, 2 for any stated name.
        package var matchType: Int8 = 0
        package var match: String?

        package init() {}

        package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
            try io.string(&entityType)
            try io.int8(&matchType)
            try io.optionalString(&match)
            try io.tags()
        }
    }
}

package struct DescribeClientQuotasResponse: ThrottledResponse, CodedResponse, Equatable {
    package var throttleTimeMilliseconds: Int32 = 0
    package var errorCode: KafkaErrorCode = .none
    package var errorMessage: String?
    package var entries: [Entry]?

    package init() {}

    package init(
        throttleTimeMilliseconds: Int32 = 0, errorCode: KafkaErrorCode = .none, errorMessage: String? = nil, entries: [Entry]? = nil
    ) {
        self.throttleTimeMilliseconds = throttleTimeMilliseconds
        self.errorCode = errorCode
        self.errorMessage = errorMessage
        self.entries = entries
    }

    package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        try io.int32(&throttleTimeMilliseconds)
        try io.errorCode(&errorCode)
        try io.optionalString(&errorMessage)
        try io.optionalList(&entries)
        try io.tags()
    }

    package struct Entry: WireLayout, Equatable {
        package var entity: [QuotaEntityPart] = []
        package var values: [Value] = []

        package init() {}

        package init(entity: [QuotaEntityPart] = [], values: [Value] = []) {
            self.entity = entity
            self.values = values
        }

        package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
            try io.list(&entity)
            try io.list(&values)
            try io.tags()
        }

        package struct Value: WireLayout, Equatable {
            package var key: String = ""
            package var value: Double = 0

            package init() {}

            package init(key: String = "", value: Double = 0) {
                self.key = key
                self.value = value
            }

            package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
                try io.string(&key)
                try io.double(&value)
                try io.tags()
            }
        }
    }
}

/// A part of a limit's entity: a kind, and a name or null for the default.
package struct QuotaEntityPart: WireLayout, Equatable {
    package var entityType: String = ""
    package var entityName: String?

    package init() {}

    package init(entityType: String = "", entityName: String? = nil) {
        self.entityType = entityType
        self.entityName = entityName
    }

    package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        try io.string(&entityType)
        try io.optionalString(&entityName)
        try io.tags()
    }
}
