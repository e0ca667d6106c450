// DeleteTopics: by name, or by id from version 6. The topic is gone before the answer; its files follow.
import Base
import BrokerCore
import KafkaWire

extension Broker {
    func deleteTopics(_ request: DeleteTopicsRequest, _ call: Call) {
        let asked = call.version >= 6 ? request.topics : request.topicNames.map { .init(name: $0) }
        var results = asked.map { DeleteTopicsResponse.Result(name: $0.name, topicID: $0.topicID) }
        let gathering = Gathering { call.reply(DeleteTopicsResponse(responses: results)) }
        for (index, topic) in asked.enumerated() {
            guard let name = topic.name ?? topicName(id: topic.topicID) else {
                results[index].errorCode = .unknownTopicID
                results[index].errorMessage = "there is no topic with this id"
                continue
            }
            results[index].name = name
            if let known = machine.topics[name] { results[index].topicID = known.id }
            if machine.topics[name] == nil, InternalTopic.isName(name) {
                (results[index].errorCode, results[index].errorMessage) = (.invalidTopic, InternalTopic.refusal(name))
                continue
            }
            gathering.enter()
            delete(name) { refusal in
                results[index].errorCode = refusal?.code ?? .none
                results[index].errorMessage = refusal?.message
                gathering.leave()
            }
        }
        gathering.leave()
    }
}
