// How prismbusd ends, for whoever started it.
#pragma once

namespace prismbus::exit_code {

inline constexpr int kFine = 0;         // stopped as asked; done; sound
inline constexpr int kFindings = 1;     // check found something; restore or rebuild did not succeed
inline constexpr int kUsage = 2;        // a mistake in the command line or a setting; nothing readable there
inline constexpr int kCannotStart = 3;  // serving

}  // namespace prismbus::exit_code
