#include "platform/board/clock_devices.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <filesystem>
#include <string_view>

#include "platform/board/clock_files.hpp"

namespace rein {

namespace {

constexpr const char* kGpu = "";

/// A word that says what a device is. `*` at its beginning or end stands for any text; digits
/// behind it do not count.
struct Word {
  std::string_view pattern;
  const char* what;  ///< kGpu, or for people.
};

/// The first that is found counts, so that what hangs beside a GPU comes before the GPU.
constexpr std::array kWords = std::to_array<Word>({
    {"*bw", "a bandwidth vote"},
    {"*bwmon", "a bandwidth vote"},
    {"bwmon*", "a bandwidth vote"},
    {"busmon", "a bandwidth vote"},
    {"*lat", "a bandwidth vote"},
    {"memlat*", "a bandwidth vote"},
    {"latfloor", "a bandwidth vote"},
    {"*mon", "a monitor"},
    {"l2", "a cache"},
    {"l3*", "a cache"},
    {"llcc*", "a cache"},
    {"dsu", "a cache"},
    {"nvd", "video"},
    {"sys", "a bus"},
    {"pwr", "power management"},
    {"pmu", "power management"},
    {"ddr*", "memory"},
    {"dmc*", "memory"},
    {"emc*", "memory"},
    {"mif", "memory"},
    {"memory", "memory"},
    {"dram*", "memory"},
    {"mc", "memory"},
    {"mbus", "memory"},
    {"dvfsrc*", "memory"},
    {"bus", "a bus"},
    {"*noc", "a bus"},
    {"cci*", "a bus"},
    {"int", "a bus"},
    {"*bus", "a bus"},
    {"interconnect", "a bus"},
    {"icc", "a bus"},
    {"ufs*", "storage"},
    {"sdhc*", "storage"},
    {"sdhci", "storage"},
    {"mmc*", "storage"},
    {"emmc", "storage"},
    {"nvme", "storage"},
    {"vic*", "video"},
    {"nvdec*", "video"},
    {"nvenc*", "video"},
    {"nvjpg*", "video"},
    {"nvjpeg*", "video"},
    {"msenc", "video"},
    {"ofa*", "video"},
    {"tsec*", "video"},
    {"se", "cryptography"},
    {"vpu*", "video"},
    {"vcodec*", "video"},
    {"vdec*", "video"},
    {"venc*", "video"},
    {"rkvdec*", "video"},
    {"rkvenc*", "video"},
    {"venus", "video"},
    {"iris", "video"},
    {"vidc", "video"},
    {"mfc*", "video"},
    {"hantro", "video"},
    {"jpeg*", "video"},
    {"iep", "video"},
    {"rga*", "video"},
    {"isp*", "a camera"},
    {"vi", "a camera"},
    {"cam*", "a camera"},
    {"intcam", "a camera"},
    {"disp*", "a display"},
    {"vop*", "a display"},
    {"dpu*", "a display"},
    {"mdss*", "a display"},
    {"mdp*", "a display"},
    {"npu*", "an NPU"},
    {"rknpu*", "an NPU"},
    {"nna*", "an NPU"},
    {"dla*", "an NPU"},
    {"nvdla*", "an NPU"},
    {"pva*", "an NPU"},
    {"tpu*", "an NPU"},
    {"apu*", "an NPU"},
    {"vpu", "video"},
    {"cdsp*", "a signal processor"},
    {"dsp*", "a signal processor"},
    {"adsp*", "a signal processor"},
    {"aud*", "sound"},
    {"ape*", "sound"},
    {"cpu*", "CPUs, beside cpufreq"},
    {"usb*", "USB"},
    {"pcie*", "PCIe"},
    {"eth*", "a network"},
    {"gpu2d", "2D graphics"},
    {"gpu*", kGpu},
    {"mali*", kGpu},
    {"*mali", kGpu},
    {"kgsl*", kGpu},
    {"adreno*", kGpu},
    {"panfrost", kGpu},
    {"panthor", kGpu},
    {"lima", kGpu},
    {"v3d*", kGpu},
    {"pvr*", kGpu},
    {"powervr*", kGpu},
    {"rgx*", kGpu},
    {"sgx*", kGpu},
    {"img", kGpu},
    {"galcore", kGpu},
    {"vivante*", kGpu},
    {"etnaviv*", kGpu},
    {"gc", kGpu},
    {"g3d", kGpu},
    {"gpc", kGpu},
    {"nvgpu", kGpu},
    {"gk20a", kGpu},
    {"gm20b", kGpu},
    {"gp10b", kGpu},
    {"gv11b", kGpu},
    {"ga10b", kGpu},
    {"gb10b", kGpu},
    {"gb20*", kGpu},
    {"i915", kGpu},
    {"xe", kGpu},
    {"amdgpu", kGpu},
});

bool fits(std::string_view pattern, std::string_view word) {
  if (pattern.starts_with('*')) {
    return word.ends_with(pattern.substr(1));
  }
  if (pattern.ends_with('*')) {
    return word.starts_with(pattern.substr(0, pattern.size() - 1));
  }
  const std::string_view rest = word.substr(std::min(pattern.size(), word.size()));
  return word.starts_with(pattern) && std::ranges::all_of(rest, [](char c) {
           return std::isdigit(static_cast<unsigned char>(c)) != 0;
         });
}

/// "5000000.qcom,kgsl-3d0" has the words 5000000, qcom, kgsl, 3d0.
std::vector<std::string> words_of(const std::string& text) {
  std::vector<std::string> words(1);
  for (const char c : text) {
    if (std::isalnum(static_cast<unsigned char>(c)) != 0) {
      words.back() += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    } else if (!words.back().empty()) {
      words.emplace_back();
    }
  }
  return words;
}

const Word* find_word(const std::string& text) {
  const auto words = words_of(text);
  const auto* found = std::ranges::find_if(kWords, [&words](const Word& word) {
    return std::ranges::any_of(words,
                               [&word](const auto& each) { return fits(word.pattern, each); });
  });
  return found == kWords.end() ? nullptr : found;
}

std::string driver_of(const SysfsRoot& root, const std::string& folder) {
  std::error_code error;
  const auto link = std::filesystem::read_symlink(root.resolve(folder + "/device/driver"), error);
  return error ? "" : link.filename().string();
}

}  // namespace

ClockUse use_of_device(const SysfsRoot& root, const std::string& folder) {
  const auto opps = kernel_opps_mhz(root, folder, ClockFiles::of(ClockInterface::kDevfreq));
  const Word* word = nullptr;
  for (const auto& text : {folder.substr(folder.rfind('/') + 1), driver_of(root, folder),
                           root.try_read(folder + "/device/of_node/compatible").value_or("")}) {
    word = word == nullptr ? find_word(text) : word;
  }
  const bool gpu = word != nullptr && word->what == kGpu;
  if (!opps.empty() && !can_be_clock(opps)) {
    return {.gpu = false,
            .what = gpu || word == nullptr ? "what it lists cannot be Hz" : word->what};
  }
  return {.gpu = gpu, .what = word == nullptr ? "not known" : word->what};
}

std::vector<LeftAlone> find_left_alone(const SysfsRoot& root) {
  std::vector<LeftAlone> found;
  for (const auto& device : root.list("/sys/class/devfreq")) {
    const std::string folder = "/sys/class/devfreq/" + device;
    if (kernel_opps_mhz(root, folder, ClockFiles::of(ClockInterface::kDevfreq)).empty()) {
      continue;
    }
    const ClockUse use = use_of_device(root, folder);
    if (!use.gpu) {
      found.push_back({device, use.what});
    }
  }
  return found;
}

}  // namespace rein
