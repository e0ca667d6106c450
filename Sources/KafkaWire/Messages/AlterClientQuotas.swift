// AlterClientQuotas: sets and removes limits of users and clients. Source: Kafka protocol guide, api key 49; KIP-546.
import Base

package struct AlterClientQuotasRequest: KafkaRequest, Equatable {
    package static var apiKey: ApiKey { ApiKey(49) }
    package typealias Response = AlterClientQuotasResponse

    package var entries: [Entry] = []
    package var validateOnly: Bool = false

    package init() {}

    package init(entries: [Entry] = [], validateOnly: Bool = false) {
        self.entries = entries
        self.validateOnly = validateOnly
    }

    package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        try io.list(&entries)
        try io.bool(&validateOnly)
        try io.tags()
    }

    package struct Entry: WireLayout, Equatable {
        package var entity: [QuotaEntityPart] = []
        package var operations: [Operation] = []

        package init() {}

        package init(entity: [QuotaEntityPart] = [], operations: [Operation] = []) {
            self.entity = entity
            self.operations = operations
        }

        package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
            try io.list(&entity)
            try io.list(&operations)
            try io.tags()
        }

        package struct Operation: WireLayout, Equatable {
            package var key: String = ""
            package var value: Double = 0
            package var remove: Bool = false

            package init() {}

            package init(key: String = "", value: Double = 0, remove: Bool = false) {
                self.key = key
                self.value = value
                self.remove = remove
            }

            package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
                try io.string(&key)
                try io.double(&value)
                try io.bool(&remove)
                try io.tags()
            }
        }
    }

    package func refused(_ code: KafkaErrorCode) -> AlterClientQuotasResponse {
        AlterClientQuotasResponse(entries: entries.map { .init(errorCode: code, entity: $0.entity) })
    }
}

package struct AlterClientQuotasResponse: ThrottledResponse, Equatable {
    package var throttleTimeMilliseconds: Int32 = 0
    package var entries: [Entry] = []

    package init() {}

    package init(throttleTimeMilliseconds: Int32 = 0, entries: [Entry] = []) {
        self.throttleTimeMilliseconds = throttleTimeMilliseconds
        self.entries = entries
    }

    package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        try io.int32(&throttleTimeMilliseconds)
        try io.list(&entries)
        try io.tags()
    }

    package struct Entry: WireLayout, Equatable {
        package var errorCode: KafkaErrorCode = .none
        package var errorMessage: String?
        package var entity: [QuotaEntityPart] = []

        package init() {}

        package init(errorCode: KafkaErrorCode = .none, errorMessage: String? = nil, entity: [QuotaEntityPart] = []) {
            self.errorCode = errorCode
            self.errorMessage = errorMessage
            self.entity = entity
        }

        package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
            try io.errorCode(&errorCode)
            try io.optionalString(&errorMessage)
            try io.list(&entity)
            try io.tags()
        }
    }
}
