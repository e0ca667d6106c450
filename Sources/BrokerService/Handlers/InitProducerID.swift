// InitProducerId: identities for idempotent producers, from blocks that are reserved durably, so that none is given twice.
import Base
import BrokerCore
import KafkaWire

extension Broker {
    func initProducerID(_ request: InitProducerIDRequest, _ call: Call) {
        guard request.transactionalID == nil else {
            return call.reply(.initProducerID(InitProducerIDResponse(errorCode: .transactionalIDAuthorizationFailed, producerEpoch: -1)))
        }
        if let id = producerIDs.popFirst() { return call.reply(.initProducerID(InitProducerIDResponse(producerID: id, producerEpoch: 0))) }
        replica.propose(.reserveProducerIDs(count: BrokerSettings.producerIDBlock)) { [self] result in
            guard case .success(.producerIDs(let first)) = result else {
                return call.reply(.initProducerID(InitProducerIDResponse(errorCode: .coordinatorNotAvailable, producerEpoch: -1)))
            }
            // Others may have asked meanwhile: their blocks are kept if they are larger, and ids that are passed over are not missed.
            producerIDs = (first + 1)..<(first + BrokerSettings.producerIDBlock)
            call.reply(.initProducerID(InitProducerIDResponse(producerID: first, producerEpoch: 0)))
        }
    }
}
