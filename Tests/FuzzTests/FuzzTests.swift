// A short run of the fuzzing: the same inputs each time, some thousands of each decoder. The long run is `make fuzz`.
import Base
import FuzzTargets
import Testing

@Suite struct FuzzTests {
    @Test("no damaged input breaks a decoder", arguments: [UInt64(1), 1_000_001])
    func noDamagedInputBreaksADecoder(_ first: UInt64) {
        let mutator = FuzzMutator(FuzzSeeds.all())
        for number in first..<(first + 20_000) { FuzzTarget.run(mutator.input(number)) }
    }

    @Test func anInputIsTheSameEachTime() {
        let mutator = FuzzMutator(FuzzSeeds.all())
        for number in UInt64(0)..<100 { #expect(mutator.input(number) == FuzzMutator(FuzzSeeds.all()).input(number)) }
    }
}
