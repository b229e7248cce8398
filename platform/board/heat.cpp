#include "platform/board/heat.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <iterator>

#include "common/pattern.hpp"
#include "platform/kernel/access.hpp"

namespace rein {

namespace {

struct Rule {
  std::string_view pattern;  ///< Of the name in small letters.
  HeatSource source;
};

constexpr auto kProcessor = HeatSource::kProcessor;
constexpr auto kCard = HeatSource::kCard;
constexpr auto kElsewhere = HeatSource::kElsewhere;

/// The first that fits is it: so first those that are what they don't look like.
constexpr Rule kNames[] = {
    // NVIDIA's, all of one chip but for the board's.
    {"ao-therm*", kProcessor},
    {"aux-therm*", kProcessor},
    {"pll*therm*", kProcessor},
    {"mem-therm*", kProcessor},
    {"cv?-thermal", kProcessor},
    {"tdiode_tegra", kProcessor},
    {"thermal-fan-est*", kProcessor},
    {"tj-therm*", kProcessor},
    {"tj?", kProcessor},
    // Google's and Samsung's.
    {"big", kProcessor},
    {"mid", kProcessor},
    {"little", kProcessor},
    {"g3d", kProcessor},
    {"tpu", kProcessor},
    {"aur", kProcessor},
    // Intel's names in ACPI: the processor is device 4 of bus 0.
    {"b0d4", kProcessor},
    {"tskn", kElsewhere},
    {"tmem", kElsewhere},
    {"tamb", kElsewhere},
    {"tpch", kElsewhere},
    {"tvr", kElsewhere},
    // AMD's, and TI's of one chip.
    {"tctl*", kProcessor},
    {"tdie*", kProcessor},
    {"tccd*", kProcessor},
    {"mpu?-thermal", kProcessor},
    {"main?-thermal", kProcessor},
    {"mcu?-thermal", kProcessor},
    {"wkup?-thermal", kProcessor},
    // Batteries, chargers, supplies; also what a Qualcomm shows as zones in mA, mV and per cent.
    {"*bat*", kElsewhere},
    {"*bcl*", kElsewhere},
    {"vph*", kElsewhere},
    {"socd*", kElsewhere},
    {"*charg*", kElsewhere},
    {"*chg*", kElsewhere},
    {"*usb*", kElsewhere},
    {"*typec*", kElsewhere},
    {"*wireless*", kElsewhere},
    {"*psu*", kElsewhere},
    {"*power*supply*", kElsewhere},
    {"*pmic*", kElsewhere},
    {"pm?8*", kElsewhere},
    {"pm?x*", kElsewhere},
    {"pm6*", kElsewhere},
    {"pm7*", kElsewhere},
    {"pm8*", kElsewhere},
    {"*vrm*", kElsewhere},
    {"*vrd*", kElsewhere},
    {"*vreg*", kElsewhere},
    {"*regulator*", kElsewhere},
    {"*buck*", kElsewhere},
    // Where a hand or the air is.
    {"*skin*", kElsewhere},
    {"*shell*", kElsewhere},
    {"*quiet*", kElsewhere},
    {"*ambient*", kElsewhere},
    {"*board*", kElsewhere},
    {"*case*", kElsewhere},
    {"*chassis*", kElsewhere},
    {"*inlet*", kElsewhere},
    {"*outlet*", kElsewhere},
    {"*intake*", kElsewhere},
    {"*exhaust*", kElsewhere},
    {"*water*", kElsewhere},
    {"*coolant*", kElsewhere},
    {"sys-therm*", kElsewhere},
    {"systin", kElsewhere},
    {"*mtktsap*", kElsewhere},
    // What else has a chip or a case of its own.
    {"xo-*", kElsewhere},
    {"xo_*", kElsewhere},
    {"*xtal*", kElsewhere},
    {"*tcxo*", kElsewhere},
    {"*pa-therm*", kElsewhere},
    {"*pa_therm*", kElsewhere},
    {"*mtktspa*", kElsewhere},
    {"*mtktsbt*", kElsewhere},
    {"*mtktswmt*", kElsewhere},
    {"rf*", kElsewhere},
    {"*wifi*", kElsewhere},
    {"*wlan*", kElsewhere},
    {"*modem*", kElsewhere},
    {"iwlwifi*", kElsewhere},
    {"ath1*", kElsewhere},
    {"*cam-*", kElsewhere},
    {"*cam_*", kElsewhere},
    {"*flash*", kElsewhere},
    {"*lcd*", kElsewhere},
    {"*panel*", kElsewhere},
    {"*backlight*", kElsewhere},
    {"*nvme*", kElsewhere},
    {"*ssd*", kElsewhere},
    {"*hdd*", kElsewhere},
    {"*emmc*", kElsewhere},
    {"*ufs*", kElsewhere},
    {"*dimm*", kElsewhere},
    {"*dram*", kElsewhere},
    {"*memory*", kElsewhere},
    {"pch*", kElsewhere},
    {"*chipset*", kElsewhere},
    {"int3400*", kElsewhere},
    // A GPU and whatever the chip names after itself.
    {"*gpu*", kCard},
    {"*mali*", kCard},
    {"*adreno*", kCard},
    {"*cpu*", kProcessor},
    {"*core*", kProcessor},
    {"*cluster*", kProcessor},
    {"*package*", kProcessor},
    {"*pkg*", kProcessor},
    {"physical id*", kProcessor},
    {"*processor*", kProcessor},
    {"*soc*", kProcessor},
    {"*tsens*", kProcessor},
    {"*apss*", kProcessor},
    {"*kryo*", kProcessor},
    {"aoss*", kProcessor},
    {"*npu*", kProcessor},
    {"*vpu*", kProcessor},
    {"*dsp*", kProcessor},
    {"ve-thermal", kProcessor},
    {"iva_thermal", kProcessor},
    {"ddr?thermal*", kProcessor},
    {"center-thermal", kProcessor},
    {"top-thermal", kProcessor},
    {"*ic-thermal", kProcessor},
    {"sensor?-thermal", kProcessor},
    {"sensor-thermal?", kProcessor},
    {"*exynos*", kProcessor},
    {"*sunxi*", kProcessor},
    {"*rockchip*", kProcessor},
    {"*meson*", kProcessor},
    {"*armada*", kProcessor},
    {"*tegra*", kProcessor},
    {"*hisi*", kProcessor},
    {"*bcm2*", kProcessor},
    {"*imx*", kProcessor},
    {"*qoriq*", kProcessor},
    {"*rcar*", kProcessor},
    {"*zynq*", kProcessor},
};

constexpr Rule kChips[] = {
    // A CPU's own, labelled or not.
    {"coretemp", kProcessor},
    {"k?temp", kProcessor},
    {"k??temp", kProcessor},
    {"zenpower*", kProcessor},
    {"via_cputemp", kProcessor},
    {"*cpu*thermal*", kProcessor},
    {"cpu*temp*", kProcessor},
    {"*soc*thermal*", kProcessor},
    {"soc_dts*", kProcessor},
    {"apm_xgene*", kProcessor},
    {"sfctemp", kProcessor},
    {"sbtsi*", kProcessor},
    {"bcm2*thermal", kProcessor},
    // Cards.
    {"amdgpu", kCard},
    {"radeon", kCard},
    {"nouveau", kCard},
    {"nvidia*", kCard},
    {"i915", kCard},
    {"xe", kCard},
    // Monitoring chips of main boards, whose inputs may be wired to nothing.
    {"nct*", kElsewhere},
    {"w83*", kElsewhere},
    {"it8*", kElsewhere},
    {"f71*", kElsewhere},
    {"f75*", kElsewhere},
    {"sch5*", kElsewhere},
    {"smsc*", kElsewhere},
    {"dme17*", kElsewhere},
    {"vt1211", kElsewhere},
    {"vt8231", kElsewhere},
    {"via686a", kElsewhere},
    {"sis5595", kElsewhere},
    {"pc87*", kElsewhere},
    {"asb100", kElsewhere},
    {"abituguru*", kElsewhere},
    {"lm7?", kElsewhere},
    {"lm8?", kElsewhere},
    {"adt7*", kElsewhere},
    // Memory modules, disks, cards, radios, supplies, coolers, batteries.
    {"jc42", kElsewhere},
    {"spd5118", kElsewhere},
    {"i5k_amb", kElsewhere},
    {"i5500_temp", kElsewhere},
    {"pch*", kElsewhere},
    {"nvme*", kElsewhere},
    {"drivetemp", kElsewhere},
    {"iwlwifi*", kElsewhere},
    {"ath1*", kElsewhere},
    {"mt7*", kElsewhere},
    {"rtw*", kElsewhere},
    {"r81*", kElsewhere},
    {"mlx*", kElsewhere},
    {"bnxt*", kElsewhere},
    {"ixgbe*", kElsewhere},
    {"igb*", kElsewhere},
    {"igc*", kElsewhere},
    {"ice*", kElsewhere},
    {"sfp*", kElsewhere},
    {"*phy*", kElsewhere},
    {"*bat*", kElsewhere},
    {"ucsi*", kElsewhere},
    {"hidpp*", kElsewhere},
    {"corsair*", kElsewhere},
    {"nzxt*", kElsewhere},
    {"kraken*", kElsewhere},
    {"x53", kElsewhere},
    {"z53", kElsewhere},
    {"d5next", kElsewhere},
    {"octo", kElsewhere},
    {"quadro", kElsewhere},
    {"ina*", kElsewhere},
    {"ltc*", kElsewhere},
    {"pmbus*", kElsewhere},
    {"tps*", kElsewhere},
    {"isl*", kElsewhere},
    {"ir3*", kElsewhere},
    {"raa*", kElsewhere},
};

template <std::size_t kCount>
HeatSource look_up(const Rule (&rules)[kCount], std::string_view name) {
  std::string small(name);
  std::transform(small.begin(), small.end(), small.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  const auto* rule = std::find_if(std::begin(rules), std::end(rules), [&small](const Rule& each) {
    return matches(each.pattern, small);
  });
  return rule == std::end(rules) ? HeatSource::kUnknown : rule->source;
}

bool fits_any(const std::vector<std::string>& patterns, std::string_view name) {
  return std::any_of(patterns.begin(), patterns.end(),
                     [name](const std::string& pattern) { return matches(pattern, name); });
}

std::string list(const std::vector<Temperature>& temperatures, const std::vector<bool>* counts) {
  std::vector<std::string> names;
  for (std::size_t i = 0; i < temperatures.size(); ++i) {
    if (counts == nullptr || (*counts)[i]) {
      names.push_back("temperature_c." + temperatures[i].name);
    }
  }
  return fold(names);
}

void check_patterns(const std::vector<std::string>& patterns, const char* key,
                    const std::vector<Temperature>& temperatures, std::vector<Missing>& missing) {
  for (const auto& pattern : patterns) {
    if (std::none_of(temperatures.begin(), temperatures.end(),
                     [&pattern](const Temperature& each) { return matches(pattern, each.name); })) {
      missing.push_back({fmt::format("temperature_c.{}", pattern), "is not measured here",
                         fmt::format("check `temperature: {}` of the board file; there is {}", key,
                                     temperatures.empty() ? "none" : list(temperatures, nullptr))});
    }
  }
}

}  // namespace

HeatSource heat_source_of(std::string_view label) { return look_up(kNames, label); }

HeatSource heat_source_of_zone(std::string_view type) {
  const HeatSource source = look_up(kNames, type);
  return source == kCard ? kProcessor : source;
}

HeatSource heat_source_of_chip(std::string_view driver) { return look_up(kChips, driver); }

std::vector<bool> choose_heat(const std::vector<Temperature>& temperatures,
                              const HeatChoice& choice, bool uses_cards,
                              std::vector<Missing>& missing) {
  check_patterns(choice.zones, "zones", temperatures, missing);
  check_patterns(choice.ignore, "ignore", temperatures, missing);
  const auto select = [&](auto wanted) {
    std::vector<bool> counts;
    std::transform(temperatures.begin(), temperatures.end(), std::back_inserter(counts),
                   [&](const Temperature& each) {
                     return wanted(each) && !fits_any(choice.ignore, each.name);
                   });
    return counts;
  };
  const auto none = [](const std::vector<bool>& counts) {
    return std::find(counts.begin(), counts.end(), true) == counts.end();
  };
  const bool chosen = !choice.zones.empty();
  auto counts = select([&](const Temperature& each) {
    return chosen ? fits_any(choice.zones, each.name)
                  : each.source == kProcessor || (each.source == kCard && uses_cards);
  });
  if (!chosen && none(counts)) {
    counts = select([](const Temperature& each) { return each.source == HeatSource::kUnknown; });
    if (!none(counts)) {
      missing.push_back({list(temperatures, &counts),
                         "counts as the hottest temperature, though its name does not say what it "
                         "is of: there is no better one",
                         "choose by `temperature: {zones: [...]}` in the board file"});
    }
  }
  if (none(counts)) {
    missing.push_back(
        {"temperature_c",
         temperatures.empty() ? "nothing is measured: a budget on heat is blind"
                              : "nothing that is measured is known to be of the "
                                "processor: a budget on heat is blind",
         temperatures.empty()
             ? "load the driver of this machine's sensors, or name one under `sensors`"
             : "load the driver of the processor's sensors, or choose by "
               "`temperature: {zones: [...]}` in the board file"});
  }
  return counts;
}

}  // namespace rein
