// DescribeConfigs: the settings in force, of topics, of groups and of this broker. A setting without a table row here has no effect and is
// not shown.
import Base
import BrokerCore
import KafkaWire

/// The resource types with settings, by their numbers on the wire.
enum ConfigResource {
    static let topic: Int8 = 2
    static let broker: Int8 = 4
    static let brokerLogger: Int8 = 8
    static let clientMetrics: Int8 = 16
    static let group: Int8 = 32
    static let all = [topic, broker, brokerLogger, clientMetrics, group]
}

extension Broker {
    func describeConfigs(_ request: DescribeConfigsRequest, _ call: Call) {
        let results = request.resources.map { resource in
            var result = DescribeConfigsResponse.Result(resourceType: resource.resourceType, resourceName: resource.resourceName)
            switch resource.resourceType {
            case ConfigResource.topic: describeTopic(resource, request, &result)
            case ConfigResource.broker: describeBroker(resource, request, &result)
            case ConfigResource.group: describeGroup(resource, request, &result)
            default:
                result.errorCode = .invalidRequest
                result.errorMessage = Self.unknownResourceKind(resource.resourceType)
            }
            return result
        }
        call.reply(DescribeConfigsResponse(results: results))
    }

    static func unknownResourceKind(_ kind: Int8) -> String {
        "settings of kind \(kind) are not served; those of topics (2), brokers (4) and groups (32) are"
    }

    /// nil for this broker's name; the empty name stands for all brokers.
    func problem(withBrokerName name: String) -> String? {
        name.isEmpty || name == String(settings.nodeID) ? nil : "there is no broker '\(name)' here; this is broker \(settings.nodeID)"
    }

    private func describeTopic(
        _ resource: DescribeConfigsRequest.Resource, _ request: DescribeConfigsRequest, _ result: inout DescribeConfigsResponse.Result
    ) {
        guard let topic = shownTopic(resource.resourceName) else {
            result.errorCode = .unknownTopicOrPartition
            result.errorMessage = BrokerRefusal.unknownTopic(resource.resourceName).message
            return
        }
        let config = config(of: topic)
        let defaults = topicDefaults
        for row in TopicConfig.rows where resource.configurationKeys?.contains(row.name) ?? true {
            let stated = topic.configs.contains { $0.name == row.name }
            let altered = row.brokerName.map { machine.brokerConfigs[$0] != nil } ?? false
            let inherited: ConfigSource = altered ? .alteredBroker : row.read(defaults) == row.read(TopicConfig()) ? .byDefault : .broker
            var entry = DescribeConfigsResponse.Result.Config(
                name: row.name, value: row.read(config), configSource: (stated ? ConfigSource.topic : inherited).rawValue,
                configType: row.type.rawValue,
                documentation: request.includeDocumentation ? row.documentation : nil)
            if request.includeSynonyms {
                if stated { entry.synonyms.append(.init(name: row.name, value: row.read(config), source: ConfigSource.topic.rawValue)) }
                if let name = row.brokerName {
                    entry.synonyms.append(.init(name: name, value: row.read(defaults), source: inherited.rawValue))
                }
            }
            result.configs.append(entry)
        }
    }

    /// A group may have settings before it exists.
    private func describeGroup(
        _ resource: DescribeConfigsRequest.Resource, _ request: DescribeConfigsRequest, _ result: inout DescribeConfigsResponse.Result
    ) {
        let group = GroupID(resource.resourceName)
        let config = machine.shareConfig(of: group)
        for row in ShareGroupConfig.rows where resource.configurationKeys?.contains(row.name) ?? true {
            let stated = machine.groupConfigs[group]?.contains { $0.name == row.name } ?? false
            result.configs.append(
                .init(
                    name: row.name, value: row.read(config), configSource: (stated ? ConfigSource.group : .byDefault).rawValue,
                    configType: row.type.rawValue,
                    documentation: request.includeDocumentation ? row.documentation : nil))
        }
    }

    private func describeBroker(
        _ resource: DescribeConfigsRequest.Resource, _ request: DescribeConfigsRequest, _ result: inout DescribeConfigsResponse.Result
    ) {
        if let problem = problem(withBrokerName: resource.resourceName) {
            result.errorCode = .invalidRequest
            result.errorMessage = problem
            return
        }
        for row in BrokerConfigTable.rows where resource.configurationKeys?.contains(row.name) ?? true {
            let altered = machine.brokerConfigs[row.name] != nil
            result.configs.append(
                .init(
                    name: row.name, value: row.read(self), readOnly: row.accepts == nil,
                    configSource: (altered ? ConfigSource.alteredBroker : .broker).rawValue, configType: row.type.rawValue,
                    documentation: request.includeDocumentation ? row.documentation : nil))
        }
    }
}
