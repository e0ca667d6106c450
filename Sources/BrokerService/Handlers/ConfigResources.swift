// ListConfigResources: the resources of DescribeConfigs. Client metrics and broker loggers have no settings here, so none of them is
// listed.
import Base
import BrokerCore
import KafkaWire

extension Broker {
    func listConfigResources(_ request: ListConfigResourcesRequest, _ call: Call) {
        let kinds =
            call.version == 0 ? [ConfigResource.clientMetrics] : request.resourceTypes.isEmpty ? ConfigResource.all : request.resourceTypes
        guard kinds.allSatisfy(ConfigResource.all.contains) else {
            return call.reply(ListConfigResourcesResponse(errorCode: .unsupportedVersion))
        }
        var response = ListConfigResourcesResponse()
        for kind in ConfigResource.all where kinds.contains(kind) {
            response.configResources += configResources(of: kind).map { .init(resourceName: $0, resourceType: kind) }
        }
        call.reply(response)
    }

    private func configResources(of kind: Int8) -> [String] {
        switch kind {
        case ConfigResource.topic: machine.topics.keys + shownInternalTopics.map(\.name)
        case ConfigResource.broker: isClustered ? machine.cluster.alive.map { String($0) } : [String(settings.nodeID)]
        case ConfigResource.group: machine.groupConfigs.keys.map(\.rawValue)
        default: []
        }
    }
}
