// DescribeConfigs: the settings that are in force, of topics and of this broker. What is not in a table here has no effect and is not shown.
import Base
import BrokerCore
import KafkaWire

/// Where a setting's value comes from, as the wire numbers it.
enum ConfigSource: Int8 {
    case topic = 1
    case broker = 4
    case byDefault = 5
}

extension Broker {
    private static var topicResource: Int8 { 2 }
    private static var brokerResource: Int8 { 4 }

    func describeConfigs(_ request: DescribeConfigsRequest, _ call: Call) {
        let results = request.resources.map { resource in
            var result = DescribeConfigsResponse.Result(resourceType: resource.resourceType, resourceName: resource.resourceName)
            switch resource.resourceType {
            case Self.topicResource: describeTopic(resource, request, &result)
            case Self.brokerResource: describeBroker(resource, request, &result)
            default:
                result.errorCode = .invalidRequest
                result.errorMessage = "settings of kind \(resource.resourceType) are not served; topics (2) and brokers (4) are"
            }
            return result
        }
        call.reply(.describeConfigs(DescribeConfigsResponse(results: results)))
    }

    private func describeTopic(
        _ resource: DescribeConfigsRequest.Resource, _ request: DescribeConfigsRequest, _ result: inout DescribeConfigsResponse.Result
    ) {
        guard let topic = machine.topics[resource.resourceName] else {
            result.errorCode = .unknownTopicOrPartition
            result.errorMessage = BrokerRefusal.unknownTopic(resource.resourceName).message
            return
        }
        let config = config(of: topic)
        for row in TopicConfig.rows where resource.configurationKeys?.contains(row.name) ?? true {
            let stated = topic.configs.contains { $0.name == row.name }
            var entry = DescribeConfigsResponse.Result.Config(
                name: row.name, value: row.read(config), configSource: (stated ? ConfigSource.topic : .byDefault).rawValue,
                configType: row.type.rawValue, documentation: request.includeDocumentation ? row.documentation : nil)
            if request.includeSynonyms {
                if stated { entry.synonyms.append(.init(name: row.name, value: row.read(config), source: ConfigSource.topic.rawValue)) }
                entry.synonyms.append(.init(name: row.brokerName, value: row.read(settings.topicDefaults), source: ConfigSource.byDefault.rawValue))
            }
            result.configs.append(entry)
        }
    }

    private func describeBroker(
        _ resource: DescribeConfigsRequest.Resource, _ request: DescribeConfigsRequest, _ result: inout DescribeConfigsResponse.Result
    ) {
        guard resource.resourceName.isEmpty || resource.resourceName == String(settings.nodeID) else {
            result.errorCode = .invalidRequest
            result.errorMessage = "there is no broker '\(resource.resourceName)' here; this is broker \(settings.nodeID)"
            return
        }
        for row in brokerRows where resource.configurationKeys?.contains(row.name) ?? true {
            result.configs.append(
                .init(
                    name: row.name, value: row.value, readOnly: true, configSource: ConfigSource.broker.rawValue, configType: row.type.rawValue,
                    documentation: request.includeDocumentation ? row.documentation : nil))
        }
    }

    private struct BrokerRow {
        var name: String
        var value: String
        var type: ConfigType
        var documentation: String
    }

    private var brokerRows: [BrokerRow] {
        let own: [BrokerRow] = [
            .init(name: "auto.create.topics.enable", value: "\(settings.autoCreateTopics)", type: .string, documentation: "Whether asking for a topic makes it."),
            .init(
                name: "group.initial.rebalance.delay.ms", value: "\(settings.groups.initialRebalanceDelay.inMilliseconds)", type: .int,
                documentation: "How long the first member of a group waits for others."),
            .init(
                name: "group.max.session.timeout.ms", value: "\(settings.groups.sessionTimeoutMax.inMilliseconds)", type: .int,
                documentation: "The longest session that a member may ask for."),
            .init(
                name: "group.min.session.timeout.ms", value: "\(settings.groups.sessionTimeoutMin.inMilliseconds)", type: .int,
                documentation: "The shortest session that a member may ask for."),
            .init(
                name: "log.retention.check.interval.ms", value: "\(settings.retentionCheckInterval.inMilliseconds)", type: .long,
                documentation: "How often old segments are looked for."),
            .init(name: "node.id", value: "\(settings.nodeID)", type: .int, documentation: "This broker's number."),
            .init(name: "num.partitions", value: "\(settings.defaultPartitions)", type: .int, documentation: "Partitions of a topic whose creator names no number."),
            .init(
                name: "offset.metadata.max.bytes", value: "\(BrokerSettings.offsetMetadataBytesMax)", type: .int,
                documentation: "Length of the text that may be stored with an offset."),
            .init(name: "socket.request.max.bytes", value: "\(settings.requestBytesMax)", type: .int, documentation: "The largest request."),
        ]
        let topics = TopicConfig.rows.map {
            BrokerRow(name: $0.brokerName, value: $0.read(settings.topicDefaults), type: $0.type, documentation: $0.documentation)
        }
        return (own + topics).sorted { $0.name < $1.name }
    }
}
