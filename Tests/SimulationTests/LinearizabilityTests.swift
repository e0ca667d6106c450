// The checker of histories is checked itself: what one copy could have answered passes, what none could have does not.
import Simulator
import Testing

@Suite struct LinearizabilityTests {
    private func operation(_ kind: ObservedOperation.Kind, _ called: Int64, _ returned: Int64?, _ result: ObservedOperation.Result?)
        -> ObservedOperation
    {
        var operation = ObservedOperation(kind, called: called)
        (operation.returned, operation.result) = (returned, result)
        return operation
    }

    @Test func operationsThatOverlapMayComeInEitherOrder() {
        let create = operation(.create(value: 1), 0, 1, .done(version: 0))
        let set = operation(.set(value: 2, ifVersion: nil), 2, 6, .done(version: 1))
        #expect(Linearizability.holds([create, set, operation(.read, 3, 4, .value(1, version: 0))]))
        #expect(Linearizability.holds([create, set, operation(.read, 3, 4, .value(2, version: 1))]))
    }

    @Test func aReadFromThePastIsFound() {
        let history = [
            operation(.create(value: 1), 0, 1, .done(version: 0)), operation(.set(value: 2, ifVersion: nil), 2, 3, .done(version: 1)),
            operation(.read, 4, 5, .value(1, version: 0)),
        ]
        #expect(!Linearizability.holds(history))
    }

    @Test func aWriteOfUnknownFateMayHaveTakenEffectOrNot() {
        let create = operation(.create(value: 1), 0, 1, .done(version: 0))
        let lost = operation(.set(value: 2, ifVersion: nil), 2, nil, nil)
        #expect(
            Linearizability.holds([
                create, lost, operation(.read, 9, 10, .value(1, version: 0)), operation(.read, 11, 12, .value(2, version: 1)),
            ]))
        #expect(
            !Linearizability.holds([
                create, lost, operation(.read, 9, 10, .value(2, version: 1)), operation(.read, 11, 12, .value(1, version: 0)),
            ]))
    }

    @Test func twoWritesCannotBothSucceedOnOneVersion() {
        let history = [
            operation(.create(value: 1), 0, 1, .done(version: 0)), operation(.set(value: 2, ifVersion: 0), 2, 9, .done(version: 1)),
            operation(.set(value: 3, ifVersion: 0), 2, 9, .done(version: 1)),
        ]
        #expect(!Linearizability.holds(history))
    }
}
