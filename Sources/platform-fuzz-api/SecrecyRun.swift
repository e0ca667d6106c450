// The same requests of a user without rights to a broker with hidden topics, groups, transactions, users and rules, and to brokers without
// them: the answers must be the same, in every field of every API. `platform-fuzz-api conceal broker REQUESTS SEED`.
import Base
import Foundation
import KafkaWire
import TestKit

struct SecrecyRun {
    private let seed: UInt64
    private let requests: Int

    init(seed: UInt64, requests: Int) {
        self.seed = seed
        self.requests = requests
    }

    /// Requests whose answers tell of hidden things. Requests that two equal brokers answer differently are not compared. A difference
    /// counts if it comes twice, since some answers depend on the moment.
    func run() throws -> [String] {
        let first = try differences()
        return first.isEmpty ? [] : try differences().filter(Set(first).contains)
    }

    private func differences() throws -> [String] {
        let hiding = try answers(isHiding: true)
        let (bare, again) = (try answers(isHiding: false), try answers(isHiding: false))
        return hiding.indices.compactMap { place in
            let (told, expected) = (hiding[place].answer, bare[place].answer)
            guard told != expected, expected == again[place].answer else { return nil }
            return
                "\(hiding[place].request)\n  with hidden resources: \(told.prefix(600))\n  without:               \(expected.prefix(600))"
        }
    }

    private func answers(isHiding: Bool) throws -> [(request: String, answer: String)] {
        let platform = try PlatformProcess(
            ["up", "--ephemeral", "--ports", "auto", "--set", "broker.access-rules=true", "--set", "broker.super-users=ANONYMOUS"]
                + KafkaSubject.arguments(servers: 1), timeout: .seconds(120))
        defer { platform.kill() }
        let address = try platform.endpoint("broker")
        var masks = try Resources.make(address, isHiding: isHiding, userHasSome: seed % 2 == 1)
        masks.append((String(address.pieces(at: ":")[1]), "PORT"))
        var random = Prng(seed: seed)
        var session = try Self.login(address)
        var found: [(request: String, answer: String)] = []
        while found.count < requests {
            guard let request = KafkaSubject.draw(&random, Resources.edges), !Self.skipped.contains(request.operation) else { continue }
            var answer = try session.answer(to: request)
            if answer == nil { session = try Self.login(address) }
            for (text, mark) in masks { answer = answer?.replacing(text, with: mark) }
            found.append((request.name, answer?.replacing(Self.identifier, with: "ID") ?? "closed"))
        }
        return found
    }

    /// Logins, which change the session's user, and tokens, each a different one.
    private static let skipped: Set<Int32> = [17, 36, 38]
    /// Random identifiers of members and topics, and producer ids, which are counted up.
    private static var identifier: Regex<Substring> {
        /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|UUIDBytes\(high: \d+, low: \d+\)|producerID: \d+/
    }

    /// A session of a user with a token that proves nothing.
    private static func login(_ address: String) throws -> KafkaSession {
        let session = try KafkaSession(address)
        func part(_ text: String) -> String {
            Data(text.utf8).base64EncodedString().filter { $0 != "=" }.replacing("+", with: "-").replacing("/", with: "_")
        }
        let token = part(#"{"alg":"none"}"#) + "." + part(#"{"sub":"eve","iat":1700000000,"exp":4102444800}"#) + "."
        let shaken = try session.ask(SaslHandshakeRequest(mechanism: "OAUTHBEARER"), 1)
        let login = try session.ask(SaslAuthenticateRequest(authBytes: Bytes(string: "n,,\u{1}auth=Bearer \(token)\u{1}\u{1}")), 2)
        guard shaken.errorCode == .none, login.errorCode == .none else { throw Finding("the login failed: \(login)") }
        return session
    }
}

/// What the brokers have: the same open resources, and hidden ones in one of them.
private enum Resources {
    static let edges = SampleEdges(
        words: [
            "open", "hidden", "hidden-2", "open-group", "hidden-group", "hidden-members", "open-transaction", "hidden-transaction",
            "hidden-user", "eve", "User:eve", "User:hidden-user", "hid.*", ".*", "*", "kafka-cluster", "0", "1", "retention.ms", "user",
            "client-id", "range", "uniform", "consumer", "member-1", "PLAIN",
        ],
        payloads: [Bytes(string: "payload")], numbers: [-2, -1, -1, 0, 0, 0, 1, 2, 3, 4, 5, 100], bytesMax: 2000, elementsMax: 20)

    /// Makes them; returns texts of answers that differ from broker to broker, and what stands for them.
    static func make(_ address: String, isHiding: Bool, userHasSome: Bool) throws -> [(String, String)] {
        let admin = try KafkaSession(address)
        let topics = ["open"] + (isHiding ? ["hidden", "hidden-2"] : [])
        let created = try admin.ask(
            CreateTopicsRequest(
                topics: topics.map { .init(name: $0, numPartitions: 2, replicationFactor: 1, configs: []) }, timeoutMilliseconds: 5000,
                validateOnly: false), 5)
        guard created.topics.allSatisfy({ $0.errorCode == .none }) else { throw Finding("no topics: \(created)") }
        try commit(admin, "open-group", "open")
        let transaction = InitProducerIDRequest(transactionalID: "open-transaction", transactionTimeoutMilliseconds: 60_000)
        _ = try admin.ask(transaction, 4)
        if userHasSome {
            let rules = [(2, "open"), (3, "open-group"), (5, "open-transaction")] as [(Int8, String)]
            _ = try admin.ask(CreateAclsRequest(creations: rules.map { rule($0, $1, "User:eve") }), 3)
        }
        if isHiding { try hide(admin) }
        let metadata = try admin.ask(MetadataRequest(topics: [], allowAutoTopicCreation: false), 12)
        return metadata.clusterID.map { [($0, "CLUSTER")] } ?? []
    }

    private static func hide(_ admin: KafkaSession) throws {
        for group in ["open-group", "hidden-group"] { try commit(admin, group, "hidden") }
        _ = try admin.ask(
            CreateAclsRequest(creations: [rule(2, "hidden", "User:hidden-user"), rule(3, "hidden-group", "User:hidden-user")]), 3)
        _ = try admin.ask(InitProducerIDRequest(transactionalID: "hidden-transaction", transactionTimeoutMilliseconds: 60_000), 4)
        var heartbeat = ConsumerGroupHeartbeatRequest()
        (heartbeat.groupID, heartbeat.memberID) = ("hidden-members", "member-1")
        (heartbeat.rebalanceTimeoutMilliseconds, heartbeat.subscribedTopicNames, heartbeat.topicPartitions) = (60_000, ["hidden"], [])
        _ = try admin.ask(heartbeat, 1)
        _ = try admin.ask(
            AlterClientQuotasRequest(entries: [
                .init(
                    entity: [QuotaEntityPart(entityType: "user", entityName: "hidden-user")],
                    operations: [.init(key: "producer_byte_rate", value: 1_000_000)])
            ]), 1)
        var credentials = AlterUserScramCredentialsRequest.Upsertion()
        (credentials.name, credentials.mechanism, credentials.iterations) = ("hidden-user", 1, 4096)
        (credentials.salt, credentials.saltedPassword) = (Bytes(string: "salt"), Bytes(bytes: [UInt8](repeating: 7, count: 32)))
        _ = try admin.ask(AlterUserScramCredentialsRequest(upsertions: [credentials]), 0)
    }

    private static func commit(_ admin: KafkaSession, _ group: String, _ topic: String) throws {
        let request = OffsetCommitRequest(
            groupID: group, generationID: -1, memberID: "",
            topics: [.init(name: topic, partitions: [.init(partition: 0, committedOffset: 7)])])
        _ = try admin.ask(request, 7)
    }

    /// All operations on a resource, allowed. Numbers as in CreateAcls.
    private static func rule(_ kind: Int8, _ name: String, _ principal: String) -> CreateAclsRequest.Rule {
        var rule = CreateAclsRequest.Rule()
        (rule.resourceType, rule.resourceName, rule.principal, rule.host) = (kind, name, principal, "*")
        (rule.operation, rule.permissionType) = (2, 3)
        return rule
    }
}
