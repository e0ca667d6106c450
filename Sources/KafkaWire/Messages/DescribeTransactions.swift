// DescribeTransactions: state and partitions of transactions. Source: Kafka protocol guide, api key 65.
import Base

package struct DescribeTransactionsRequest: KafkaRequest, Equatable {
    package static var apiKey: ApiKey { ApiKey(65) }
    package typealias Response = DescribeTransactionsResponse

    package var transactionalIDs: [String] = []

    package init() {}

    package init(transactionalIDs: [String] = []) {
        self.transactionalIDs = transactionalIDs
    }

    package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        try io.strings(&transactionalIDs)
        try io.tags()
    }

    package func refused(_ code: KafkaErrorCode) -> DescribeTransactionsResponse {
        DescribeTransactionsResponse(transactionStates: transactionalIDs.map { .init(errorCode: code, transactionalID: $0) })
    }
}

package struct DescribeTransactionsResponse: ThrottledResponse, Equatable {
    package var throttleTimeMilliseconds: Int32 = 0
    package var transactionStates: [Transaction] = []

    package init() {}

    package init(throttleTimeMilliseconds: Int32 = 0, transactionStates: [Transaction] = []) {
        self.throttleTimeMilliseconds = throttleTimeMilliseconds
        self.transactionStates = transactionStates
    }

    package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        try io.int32(&throttleTimeMilliseconds)
        try io.list(&transactionStates)
        try io.tags()
    }

    package struct Transaction: WireLayout, Equatable {
        package var errorCode: KafkaErrorCode = .none
        package var transactionalID: String = ""
        package var transactionState: String = ""
        package var transactionTimeoutMilliseconds: Int32 = 0
        package var transactionStartTimeMilliseconds: Int64 = 0
        package var producerID: Int64 = 0
        package var producerEpoch: Int16 = 0
        package var topics: [Topic] = []

        package init() {}

        package init(
            errorCode: KafkaErrorCode = .none, transactionalID: String = "", transactionState: String = "",
            transactionTimeoutMilliseconds: Int32 = 0, transactionStartTimeMilliseconds: Int64 = 0, producerID: Int64 = 0,
            producerEpoch: Int16 = 0, topics: [Topic] = []
        ) {
            self.errorCode = errorCode
            self.transactionalID = transactionalID
            self.transactionState = transactionState
            self.transactionTimeoutMilliseconds = transactionTimeoutMilliseconds
            self.transactionStartTimeMilliseconds = transactionStartTimeMilliseconds
            self.producerID = producerID
            self.producerEpoch = producerEpoch
            self.topics = topics
        }

        package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
            try io.errorCode(&errorCode)
            try io.string(&transactionalID)
            try io.string(&transactionState)
            try io.int32(&transactionTimeoutMilliseconds)
            try io.int64(&transactionStartTimeMilliseconds)
            try io.int64(&producerID)
            try io.int16(&producerEpoch)
            try io.list(&topics)
            try io.tags()
        }

        package struct Topic: WireLayout, Equatable {
            package var topic: String = ""
            package var partitions: [Int32] = []

            package init() {}

            package init(topic: String = "", partitions: [Int32] = []) {
                self.topic = topic
                self.partitions = partitions
            }

            package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
                try io.string(&topic)
                try io.int32s(&partitions)
                try io.tags()
            }
        }
    }
}
