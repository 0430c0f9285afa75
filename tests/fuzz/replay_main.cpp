// Runs a fuzz target over the files of the given folders, and over every prefix of the small ones: whatever
// was found once stays found, without a fuzzer. A folder that is not there has nothing to replay.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

constexpr std::size_t kPrefixesUpTo = 1024;  // bytes; of longer files only the whole

// A copy of exactly `size` bytes on the heap, so that a read behind its end is seen by the sanitizers.
void run(const std::string& bytes, std::size_t size) {
  const std::vector<std::uint8_t> copy(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(size));
  LLVMFuzzerTestOneInput(copy.data(), copy.size());
}

}  // namespace

int main(int argc, char** argv) {
  std::size_t files = 0;
  std::size_t runs = 0;
  for (int i = 1; i < argc; ++i) {
    if (!std::filesystem::is_directory(argv[i])) continue;
    for (const auto& entry : std::filesystem::directory_iterator(argv[i])) {
      if (!entry.is_regular_file()) continue;
      std::ifstream in(entry.path(), std::ios::binary);
      const std::string bytes{std::istreambuf_iterator<char>(in), {}};
      if (bytes.size() <= kPrefixesUpTo) {
        for (std::size_t size = 0; size < bytes.size(); ++size, ++runs) run(bytes, size);
      }
      run(bytes, bytes.size());
      ++runs;
      ++files;
    }
  }
  std::printf("%zu files, %zu runs, no finding\n", files, runs);
  return files > 0 ? 0 : 1;
}
