// The docs say what the program does: generated tables are compared with the program's own.
import TestKit
import Testing

extension OneAtATime {
    @Suite struct DocsTests {
        @Test func generatedTablesAreUpToDate() throws {
            let ran = try Ran.platform(["docs", PlatformProcess.packageRoot + "/docs", "--check"])
            #expect(ran.status == 0, "\(ran.errors)")
        }
    }
}
