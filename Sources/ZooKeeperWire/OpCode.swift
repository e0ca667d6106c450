// ZooKeeper's operations and errors by number. Source: ZooKeeper's ZooDefs.OpCode and KeeperException.Code.

/// What a request asks for.
package enum OpCode: Int32, CaseIterable, Sendable {
    case create = 1, delete = 2, exists = 3, getData = 4, setData = 5, getACL = 6, setACL = 7, getChildren = 8, sync = 9
    case ping = 11, getChildren2 = 12, check = 13, multi = 14, create2 = 15, reconfig = 16, checkWatches = 17, removeWatches = 18
    case createContainer = 19, deleteContainer = 20, createTTL = 21, multiRead = 22
    case auth = 100, setWatches = 101, sasl = 102, getEphemerals = 103, getAllChildrenNumber = 104, setWatches2 = 105, addWatch = 106,
        whoAmI = 107
    case createSession = -10, closeSession = -11
}

/// Xids with a meaning of their own.
package enum SpecialXid {
    package static let event: Int32 = -1
    package static let ping: Int32 = -2
    package static let auth: Int32 = -4
    package static let setWatches: Int32 = -8
}

/// What a reply's header says.
package enum ZKErrorCode: Int32, Sendable {
    case ok = 0
    case systemError = -1, runtimeInconsistency = -2, connectionLoss = -4, marshallingError = -5, unimplemented = -6, operationTimeout = -7,
        badArguments = -8, newConfigNoQuorum = -13, reconfigInProgress = -14
    case noNode = -101, noAuth = -102, badVersion = -103, noChildrenForEphemerals = -108, nodeExists = -110, notEmpty = -111
    case sessionExpired = -112, invalidACL = -114, authFailed = -115, sessionMoved = -118, notReadOnly = -119, ephemeralOnLocalSession =
        -120, noWatcher = -121
    case requestTimeout = -122, reconfigDisabled = -123, sessionClosedRequireSASL = -124, quotaExceeded = -125
}

/// What a watch event tells.
package enum WatchEventType: Int32, Sendable {
    case created = 1, deleted = 2, dataChanged = 3, childrenChanged = 4
}

/// The client's view of its session in a watch event; a server only ever sends `connected`.
package enum WatchState { package static let connected: Int32 = 3 }
