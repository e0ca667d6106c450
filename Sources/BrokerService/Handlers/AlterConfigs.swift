// AlterConfigs and IncrementalAlterConfigs: alters settings of topics, of groups and of this running broker. A change is checked as a whole
// first, so that it is never half applied. A setting without effect here is refused, not stored.
import Base
import BrokerCore
import KafkaWire

/// The operation on one setting, by its number on the wire.
private enum AlterOperation: Int8 {
    case set = 0
    case delete = 1
    case append = 2
    case subtract = 3
}

/// The reason for refusing a change of settings.
private struct AlterRefusal: Error {
    var code: KafkaErrorCode
    var message: String
}

extension Broker {
    func alterConfigs(_ request: AlterConfigsRequest, _ call: Call) {
        var response = AlterConfigsResponse(
            responses: request.resources.map { .init(resourceType: $0.resourceType, resourceName: $0.resourceName) })
        let gathering = Gathering { call.reply(response) }
        for (index, resource) in request.resources.enumerated() {
            if let missing = resource.configs.first(where: { $0.value == nil }) {
                response.responses[index].errorCode = .invalidRequest
                response.responses[index].errorMessage = Self.nullValue(missing.name)
                continue
            }
            let set = resource.configs.map { TopicConfigEntry(name: $0.name, value: $0.value ?? "") }
            gathering.enter()
            alter(
                resource.resourceType, resource.resourceName, ConfigChange(set: set, replacesAll: true),
                onlyValidating: request.validateOnly
            ) { refusal in
                response.responses[index].errorCode = refusal?.code ?? .none
                response.responses[index].errorMessage = refusal?.message
                gathering.leave()
            }
        }
        gathering.leave()
    }

    func incrementalAlterConfigs(_ request: IncrementalAlterConfigsRequest, _ call: Call) {
        var response = IncrementalAlterConfigsResponse(
            responses: request.resources.map { .init(resourceType: $0.resourceType, resourceName: $0.resourceName) })
        let gathering = Gathering { call.reply(response) }
        for (index, resource) in request.resources.enumerated() {
            func set(_ refusal: AlterRefusal?) {
                response.responses[index].errorCode = refusal?.code ?? .none
                response.responses[index].errorMessage = refusal?.message
            }
            do throws(AlterRefusal) {
                let change = try change(resource)
                gathering.enter()
                alter(resource.resourceType, resource.resourceName, change, onlyValidating: request.validateOnly) {
                    set($0)
                    gathering.leave()
                }
            } catch { set(error) }
        }
        gathering.leave()
    }

    private static func nullValue(_ name: String) -> String { "the setting '\(name)' has no value (null)" }

    private func change(_ resource: IncrementalAlterConfigsRequest.Resource) throws(AlterRefusal) -> ConfigChange {
        var change = ConfigChange()
        for config in resource.configs {
            guard let operation = AlterOperation(rawValue: config.configOperation) else {
                throw AlterRefusal(code: .invalidRequest, message: "there is no operation \(config.configOperation) on settings")
            }
            guard !change.set.contains(where: { $0.name == config.name }), !change.removed.contains(config.name) else {
                throw AlterRefusal(code: .invalidRequest, message: "the setting '\(config.name)' is named more than once")
            }
            guard operation == .delete || config.value != nil else {
                throw AlterRefusal(code: .invalidRequest, message: Self.nullValue(config.name))
            }
            switch operation {
            case .set: change.set.append(TopicConfigEntry(name: config.name, value: config.value ?? ""))
            case .delete: change.removed.append(config.name)
            case .append, .subtract:
                change.set.append(try listChange(resource, config.name, config.value ?? "", adding: operation == .append))
            }
        }
        return change
    }

    /// A list setting with words added or removed.
    private func listChange(
        _ resource: IncrementalAlterConfigsRequest.Resource, _ name: String, _ value: String, adding: Bool
    ) throws(AlterRefusal) -> TopicConfigEntry {
        let isTopic = resource.resourceType == ConfigResource.topic
        guard resource.resourceType != ConfigResource.group else {
            throw AlterRefusal(code: .invalidConfig, message: "'\(name)' is no list")
        }
        let type = isTopic ? TopicConfig.rows.first { $0.name == name }?.type : BrokerConfigTable.row(name)?.type
        guard type == .list else { throw AlterRefusal(code: .invalidConfig, message: "'\(name)' is no list") }
        let present =
            isTopic
            ? machine.topics[resource.resourceName].flatMap { topic in TopicConfig.rows.first { $0.name == name }?.read(config(of: topic)) }
            : BrokerConfigTable.row(name)?.read(self)
        var words = (present ?? "").split(separator: ",").map(String.init)
        let changed = value.split(separator: ",").map(String.init)
        if adding { words += changed.filter { !words.contains($0) } } else { words.removeAll { changed.contains($0) } }
        return TopicConfigEntry(name: name, value: words.joined(separator: ","))
    }

    private func alter(
        _ kind: Int8, _ name: String, _ change: ConfigChange, onlyValidating: Bool, _ done: @escaping (AlterRefusal?) -> Void
    ) {
        do throws(AlterRefusal) {
            switch kind {
            case ConfigResource.topic: try checkTopic(name, change)
            case ConfigResource.broker: try checkBroker(name, change)
            case ConfigResource.group: try checkGroup(name, change)
            default: throw AlterRefusal(code: .invalidRequest, message: Self.unknownResourceKind(kind))
            }
        } catch { return done(error) }
        guard !onlyValidating else { return done(nil) }
        let command: BrokerCommand =
            switch kind {
            case ConfigResource.topic: .alterTopic(name: name, change)
            case ConfigResource.group: .share(.configure(GroupID(name), change))
            default: .alterBroker(change)
            }
        replica.propose(command) { [self] result in
            switch result {
            case .success(.done): break
            case .success(.altered(let topic)): applyConfig(of: topic)
            case .success(.brokerAltered): for (_, topic) in machine.topics.entries { applyConfig(of: topic) }
            case .success(.refused(let refusal)): return done(AlterRefusal(code: refusal.code, message: refusal.message))
            case .success, .failure: return done(AlterRefusal(code: .kafkaStorageError, message: BrokerRefusal.notWritable.message))
            }
            done(nil)
        }
    }

    private func checkTopic(_ name: String, _ change: ConfigChange) throws(AlterRefusal) {
        guard let topic = machine.topics[name] else {
            if InternalTopic.isName(name) { throw AlterRefusal(code: .invalidTopic, message: InternalTopic.refusal(name)) }
            throw AlterRefusal(code: .unknownTopicOrPartition, message: BrokerRefusal.unknownTopic(name).message)
        }
        do { _ = try topicDefaults.applying(change.applied(to: topic.configs)) } catch {
            throw AlterRefusal(code: .invalidConfig, message: error.reason)
        }
    }

    private func checkGroup(_ name: String, _ change: ConfigChange) throws(AlterRefusal) {
        guard !name.isEmpty else { throw AlterRefusal(code: .invalidRequest, message: "a group has a name") }
        do { _ = try ShareGroupConfig().applying(change.applied(to: machine.groupConfigs[GroupID(name)] ?? [])) } catch {
            throw AlterRefusal(code: .invalidConfig, message: error.reason)
        }
    }

    private func checkBroker(_ name: String, _ change: ConfigChange) throws(AlterRefusal) {
        if let problem = problem(withBrokerName: name) { throw AlterRefusal(code: .invalidRequest, message: problem) }
        for name in change.set.map(\.name) + change.removed {
            guard let row = BrokerConfigTable.row(name) else {
                // Removing an absent setting changes nothing; Kafka's tools clear settings without looking first.
                if change.removed.contains(name) { continue }
                throw AlterRefusal(
                    code: .invalidConfig, message: "there is no broker setting '\(name)' here; DescribeConfigs shows those that there are")
            }
            guard let accepts = row.accepts else {
                throw AlterRefusal(
                    code: .invalidConfig, message: "'\(name)' is told to the broker when it starts and cannot be altered while it runs")
            }
            if let entry = change.set.first(where: { $0.name == name }), !accepts(entry.value) {
                throw AlterRefusal(code: .invalidConfig, message: "'\(entry.value)' is not possible for \(name). \(row.documentation)")
            }
        }
    }
}
