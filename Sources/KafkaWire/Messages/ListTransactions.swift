// ListTransactions: the known transactional ids, by state, producer or age. Source: Kafka protocol guide, api key 66.
import Base

package struct ListTransactionsRequest: KafkaRequest, Equatable {
    package static var apiKey: ApiKey { ApiKey(66) }
    package typealias Response = ListTransactionsResponse

    package var stateFilters: [String] = []
    package var producerIDFilters: [Int64] = []
    package var durationFilter: Int64 = -1
    /// Regular expression for the whole of a listed id (KIP-1152); nil or empty for all.
    package var transactionalIDPattern: String?

    package init() {}

    package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        try io.strings(&stateFilters)
        try io.int64s(&producerIDFilters)
        if io.version >= 1 { try io.int64(&durationFilter) }
        if io.version >= 2 { try io.optionalString(&transactionalIDPattern) }
        try io.tags()
    }
}

package struct ListTransactionsResponse: ThrottledResponse, CodedResponse, Equatable {
    package var throttleTimeMilliseconds: Int32 = 0
    package var errorCode: KafkaErrorCode = .none
    package var unknownStateFilters: [String] = []
    package var transactionStates: [Transaction] = []

    package init() {}

    package init(
        throttleTimeMilliseconds: Int32 = 0, errorCode: KafkaErrorCode = .none, unknownStateFilters: [String] = [],
        transactionStates: [Transaction] = []
    ) {
        self.throttleTimeMilliseconds = throttleTimeMilliseconds
        self.errorCode = errorCode
        self.unknownStateFilters = unknownStateFilters
        self.transactionStates = transactionStates
    }

    package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        try io.int32(&throttleTimeMilliseconds)
        try io.errorCode(&errorCode)
        try io.strings(&unknownStateFilters)
        try io.list(&transactionStates)
        try io.tags()
    }

    package struct Transaction: WireLayout, Equatable {
        package var transactionalID: String = ""
        package var producerID: Int64 = 0
        package var transactionState: String = ""

        package init() {}

        package init(transactionalID: String = "", producerID: Int64 = 0, transactionState: String = "") {
            self.transactionalID = transactionalID
            self.producerID = producerID
            self.transactionState = transactionState
        }

        package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
            try io.string(&transactionalID)
            try io.int64(&producerID)
            try io.string(&transactionState)
            try io.tags()
        }
    }
}
