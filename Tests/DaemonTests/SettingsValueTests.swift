import Testing

@testable import Daemon

@Suite struct SettingsValueTests {
    @Test(arguments: ["1KiB", "512KiB", "64MiB", "3GiB", "1025MiB"])
    func `a size is shown as it was written`(text: String) throws {
        #expect(try ByteSize(text).description == text)
    }

    @Test func `a size is shown in the largest unit that leaves nothing over`() throws {
        #expect(try ByteSize("1024KiB").description == "1MiB")
        #expect(ByteSize(bytes: 1_000).description == "1000B")
        #expect(ByteSize(bytes: 0).description == "0B")
    }

    @Test func `every percentage is shown as it was written`() throws {
        for percent in 1...100 { #expect(try Percentage("\(percent)%").description == "\(percent)%") }
        #expect(Percentage(percent: 0) == nil)
        #expect(Percentage(percent: 101) == nil)
    }
}
