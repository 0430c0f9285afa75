// libsodium made ready. Any thread.
#pragma once

namespace prismbus {

// Once a process: libsodium looks at the processor and takes its fast code (without it the portable one is
// used, at half the speed). Costs nothing when called again; aborts if libsodium cannot be used at all.
// Everything of this room that computes calls it itself.
void start_crypto();

}  // namespace prismbus
