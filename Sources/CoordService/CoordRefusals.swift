// The one table from coord's refusals to ZooKeeper's error codes.
import Base
import CoordCore
import Replication
import ZooKeeperWire

extension CoordRefusal {
    var code: ZKErrorCode {
        switch self {
        case .badArguments: .badArguments
        case .noNode: .noNode
        case .noAuth: .noAuth
        case .badVersion: .badVersion
        case .noChildrenForEphemerals: .noChildrenForEphemerals
        case .nodeExists: .nodeExists
        case .notEmpty: .notEmpty
        case .invalidACL: .invalidACL
        case .sessionExpired: .sessionExpired
        case .quotaExceeded: .quotaExceeded
        case .sessionMoved: .sessionMoved
        case .ephemeralOnLocalSession: .ephemeralOnLocalSession
        }
    }
}

extension ReplicaRefusal {
    /// Nothing of ZooKeeper's says "disk full" or "busy"; its clients retry an operation that timed out or a lost connection.
    var code: ZKErrorCode {
        switch self {
        case .busy: .operationTimeout
        case .notLeading: .connectionLoss
        case .storage: .systemError
        case .tooLarge: .badArguments
        }
    }
}
