// The program: everything is in PlatformKit.
import PlatformKit

await PlatformCommand.runAndExit()
