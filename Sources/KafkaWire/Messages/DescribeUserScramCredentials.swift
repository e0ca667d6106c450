// DescribeUserScramCredentials: the users with SCRAM credentials, without their secrets. Source: Kafka protocol guide, api key 50; KIP-554.
import Base

package struct DescribeUserScramCredentialsRequest: KafkaRequest, Equatable {
    package static var apiKey: ApiKey { ApiKey(50) }
    package typealias Response = DescribeUserScramCredentialsResponse

    package var users: [User]?

    package init() {}

    package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        try io.optionalList(&users)
        try io.tags()
    }

    package struct User: WireLayout, Equatable {
        package var name: String = ""

        package init() {}

        package init(name: String = "") {
            self.name = name
        }

        package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
            try io.string(&name)
            try io.tags()
        }
    }
}

package struct DescribeUserScramCredentialsResponse: ThrottledResponse, CodedResponse, Equatable {
    package var throttleTimeMilliseconds: Int32 = 0
    package var errorCode: KafkaErrorCode = .none
    package var errorMessage: String?
    package var results: [Result] = []

    package init() {}

    package init(
        throttleTimeMilliseconds: Int32 = 0, errorCode: KafkaErrorCode = .none, errorMessage: String? = nil, results: [Result] = []
    ) {
        self.throttleTimeMilliseconds = throttleTimeMilliseconds
        self.errorCode = errorCode
        self.errorMessage = errorMessage
        self.results = results
    }

    package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        try io.int32(&throttleTimeMilliseconds)
        try io.errorCode(&errorCode)
        try io.optionalString(&errorMessage)
        try io.list(&results)
        try io.tags()
    }

    package struct Result: WireLayout, Equatable {
        package var user: String = ""
        package var errorCode: KafkaErrorCode = .none
        package var errorMessage: String?
        package var credentialInfos: [Credential] = []

        package init() {}

        package init(user: String = "", errorCode: KafkaErrorCode = .none, errorMessage: String? = nil, credentialInfos: [Credential] = [])
        {
            self.user = user
            self.errorCode = errorCode
            self.errorMessage = errorMessage
            self.credentialInfos = credentialInfos
        }

        package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
            try io.string(&user)
            try io.errorCode(&errorCode)
            try io.optionalString(&errorMessage)
            try io.list(&credentialInfos)
            try io.tags()
        }

        package struct Credential: WireLayout, Equatable {
            package var mechanism: Int8 = 0
            package var iterations: Int32 = 0

            package init() {}

            package init(mechanism: Int8 = 0, iterations: Int32 = 0) {
                self.mechanism = mechanism
                self.iterations = iterations
            }

            package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
                try io.int8(&mechanism)
                try io.int32(&iterations)
                try io.tags()
            }
        }
    }
}
