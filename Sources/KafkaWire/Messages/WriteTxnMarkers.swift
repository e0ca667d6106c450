// WriteTxnMarkers: the outcome of transactions for the partitions that a broker leads. Source: Kafka protocol guide, api key 27; KIP-664
// for administrators.
import Base

package struct WriteTxnMarkersRequest: KafkaRequest, Equatable {
    package static var apiKey: ApiKey { ApiKey(27) }
    package typealias Response = WriteTxnMarkersResponse

    package var markers: [Marker] = []

    package init() {}

    package init(markers: [Marker]) { self.markers = markers }

    package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        try io.list(&markers)
        try io.tags()
    }

    package struct Marker: WireLayout, Equatable {
        package var producerID: Int64 = -1
        package var producerEpoch: Int16 = -1
        /// True for a commit, false for an abort.
        package var transactionResult: Bool = false
        package var topics: [Topic] = []
        package var coordinatorEpoch: Int32 = 0
        /// From 2 on the marker's epoch is above that of the transaction's batches (KIP-1228).
        package var transactionVersion: Int8 = 0

        package init() {}

        package init(
            producerID: Int64, producerEpoch: Int16, transactionResult: Bool, topics: [Topic], coordinatorEpoch: Int32,
            transactionVersion: Int8 = 0
        ) {
            self.producerID = producerID
            self.producerEpoch = producerEpoch
            self.transactionResult = transactionResult
            self.topics = topics
            self.coordinatorEpoch = coordinatorEpoch
            self.transactionVersion = transactionVersion
        }

        package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
            try io.int64(&producerID)
            try io.int16(&producerEpoch)
            try io.bool(&transactionResult)
            try io.list(&topics)
            try io.int32(&coordinatorEpoch)
            if io.version >= 2 { try io.int8(&transactionVersion) }
            try io.tags()
        }
    }

    package struct Topic: WireLayout, Equatable {
        package var name: String = ""
        package var partitionIndexes: [Int32] = []

        package init() {}

        package init(name: String, partitionIndexes: [Int32]) {
            self.name = name
            self.partitionIndexes = partitionIndexes
        }

        package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
            try io.string(&name)
            try io.int32s(&partitionIndexes)
            try io.tags()
        }
    }

    package func refused(_ code: KafkaErrorCode) -> WriteTxnMarkersResponse { answered(code) }
}

package struct WriteTxnMarkersResponse: KafkaResponse, Equatable {
    package var markers: [Marker] = []

    package init() {}

    package init(markers: [Marker]) { self.markers = markers }

    package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        try io.list(&markers)
        try io.tags()
    }

    package struct Marker: WireLayout, Equatable {
        package var producerID: Int64 = -1
        package var topics: [Topic] = []

        package init() {}

        package init(producerID: Int64, topics: [Topic]) {
            self.producerID = producerID
            self.topics = topics
        }

        package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
            try io.int64(&producerID)
            try io.list(&topics)
            try io.tags()
        }
    }

    package typealias Topic = PerTopic<Partition>

    package struct Partition: WireLayout, Equatable {
        package var partitionIndex: Int32 = 0
        package var errorCode: KafkaErrorCode = .none

        package init() {}

        package init(partitionIndex: Int32, errorCode: KafkaErrorCode = .none) {
            self.partitionIndex = partitionIndex
            self.errorCode = errorCode
        }

        package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
            try io.int32(&partitionIndex)
            try io.errorCode(&errorCode)
            try io.tags()
        }
    }
}

extension WriteTxnMarkersRequest {
    /// The response with one code for every partition.
    package func answered(_ code: KafkaErrorCode) -> WriteTxnMarkersResponse {
        WriteTxnMarkersResponse(
            markers: markers.map { marker in
                .init(
                    producerID: marker.producerID,
                    topics: marker.topics.map { topic in
                        .init(name: topic.name, partitions: topic.partitionIndexes.map { .init(partitionIndex: $0, errorCode: code) })
                    })
            })
    }
}
