// AlterUserScramCredentials: sets and removes users' credentials. Source: Kafka protocol guide, api key 51; KIP-554.
import Base

package struct AlterUserScramCredentialsRequest: KafkaRequest, Equatable {
    package static var apiKey: ApiKey { ApiKey(51) }
    package typealias Response = AlterUserScramCredentialsResponse

    package var deletions: [Deletion] = []
    package var upsertions: [Upsertion] = []

    package init() {}

    package init(deletions: [Deletion] = [], upsertions: [Upsertion] = []) {
        self.deletions = deletions
        self.upsertions = upsertions
    }

    package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        try io.list(&deletions)
        try io.list(&upsertions)
        try io.tags()
    }

    package struct Deletion: WireLayout, Equatable {
        package var name: String = ""
        package var mechanism: Int8 = 0

        package init() {}

        package init(name: String = "", mechanism: Int8 = 0) {
            self.name = name
            self.mechanism = mechanism
        }

        package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
            try io.string(&name)
            try io.int8(&mechanism)
            try io.tags()
        }
    }

    package struct Upsertion: WireLayout, Equatable {
        package var name: String = ""
        package var mechanism: Int8 = 0
        package var iterations: Int32 = 0
        package var salt: Bytes = Bytes()
        package var saltedPassword: Bytes = Bytes()

        package init() {}

        package init(name: String = "", mechanism: Int8 = 0, iterations: Int32 = 0, salt: Bytes = Bytes(), saltedPassword: Bytes = Bytes())
        {
            self.name = name
            self.mechanism = mechanism
            self.iterations = iterations
            self.salt = salt
            self.saltedPassword = saltedPassword
        }

        package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
            try io.string(&name)
            try io.int8(&mechanism)
            try io.int32(&iterations)
            try io.bytes(&salt)
            try io.bytes(&saltedPassword)
            try io.tags()
        }
    }

    package func refused(_ code: KafkaErrorCode) -> AlterUserScramCredentialsResponse {
        AlterUserScramCredentialsResponse(
            results: (deletions.map(\.name) + upsertions.map(\.name)).map { .init(user: $0, errorCode: code) })
    }
}

package struct AlterUserScramCredentialsResponse: ThrottledResponse, Equatable {
    package var throttleTimeMilliseconds: Int32 = 0
    package var results: [Result] = []

    package init() {}

    package init(throttleTimeMilliseconds: Int32 = 0, results: [Result] = []) {
        self.throttleTimeMilliseconds = throttleTimeMilliseconds
        self.results = results
    }

    package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        try io.int32(&throttleTimeMilliseconds)
        try io.list(&results)
        try io.tags()
    }

    package struct Result: WireLayout, Equatable {
        package var user: String = ""
        package var errorCode: KafkaErrorCode = .none
        package var errorMessage: String?

        package init() {}

        package init(user: String = "", errorCode: KafkaErrorCode = .none, errorMessage: String? = nil) {
            self.user = user
            self.errorCode = errorCode
            self.errorMessage = errorMessage
        }

        package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
            try io.string(&user)
            try io.errorCode(&errorCode)
            try io.optionalString(&errorMessage)
            try io.tags()
        }
    }
}
