#include "platform/board/heat.hpp"

#include <doctest/doctest.h>

namespace rein {

namespace {

using Strings = std::vector<std::string>;
constexpr auto kProcessor = HeatSource::kProcessor;
constexpr auto kCard = HeatSource::kCard;
constexpr auto kUnknown = HeatSource::kUnknown;
constexpr auto kElsewhere = HeatSource::kElsewhere;

const std::vector<Temperature> kPc{{"x86_pkg_temp", kProcessor},
                                   {"acpitz", kUnknown},
                                   {"edge", kCard},
                                   {"CPUTIN", kElsewhere},
                                   {"SODIMM_temp2", kElsewhere}};

/// Names of those that count, and what is said of it.
struct Choice {
  Choice(const std::vector<Temperature>& all, const HeatChoice& choice, bool uses_cards = false) {
    const auto chosen = choose_heat(all, choice, uses_cards, missing);
    for (std::size_t i = 0; i < all.size(); ++i) {
      if (chosen[i]) {
        names.push_back(all[i].name);
      }
    }
  }
  Strings names;
  std::vector<Missing> missing;
};

}  // namespace

DOCTEST_TEST_CASE("zones of a processor are known in the words of its vendor") {
  for (const char* type : {"x86_pkg_temp",
                           "TCPU",
                           "B0D4",
                           "soc_dts0",
                           "cpu-thermal",
                           "cpu_thermal",
                           "soc-thermal",
                           "bigcore0-thermal",
                           "center-thermal",
                           "npu-thermal",
                           "sunxi-therm-0",
                           "exynos-therm",
                           "BIG",
                           "LITTLE",
                           "MID",
                           "G3D",
                           "cpu0-silver-usr",
                           "cpu-1-0-thermal",
                           "cpuss-0-usr",
                           "aoss0-usr",
                           "gpuss-0-usr",
                           "tsens_tz_sensor4",
                           "mtktscpu",
                           "mtktsgpu",
                           "soc_max",
                           "CPU-therm",
                           "MCPU-therm",
                           "GPU-therm",
                           "AO-therm",
                           "AUX-therm",
                           "PLL-therm",
                           "tj-thermal",
                           "cv1-thermal",
                           "soc0-thermal",
                           "thermal-fan-est",
                           "bcm2835_thermal",
                           "imx_thermal_zone",
                           "armada_thermal",
                           "ap-ic-thermal",
                           "cluster0-thermal",
                           "core-cluster-thermal",
                           "mpu0-thermal",
                           "main1-thermal",
                           "big-cluster",
                           "ddr-thermal",
                           "rockchip-thermal"}) {
    DOCTEST_CAPTURE(type);
    DOCTEST_CHECK(heat_source_of_zone(type) == kProcessor);
  }
}

DOCTEST_TEST_CASE("batteries, skins, radios, supplies and the board are not the processor") {
  for (const char* type : {"battery",
                           "BAT0",
                           "bms",
                           "skin-temp-thermal",
                           "VIRTUAL-SKIN",
                           "quiet-therm",
                           "xo-therm-adc",
                           "pa-therm0",
                           "charger_therm",
                           "usb_pwr_therm",
                           "pmi8998_tz",
                           "pm8350b_tz",
                           "pm6150-tz",
                           "pmic",
                           "conn-therm-ambient",
                           "Tboard_tegra",
                           "TSKN",
                           "TMEM",
                           "TAMB",
                           "iwlwifi_1",
                           "wifi-therm",
                           "mtktsbattery",
                           "mtktsAP",
                           "mtktspmic",
                           "mtktswmt",
                           "modem-lte",
                           "SODIMM",
                           "DIMM A1",
                           "Ambient",
                           "Inlet Temp",
                           "VRM",
                           "SOC VRD Temp",
                           "pch_cannonlake",
                           "ssd-therm",
                           "ufs-therm",
                           "sys-therm-1",
                           "SYSTIN",
                           "Motherboard",
                           "Chipset",
                           "water_in"}) {
    DOCTEST_CAPTURE(type);
    DOCTEST_CHECK(heat_source_of_zone(type) != kProcessor);
  }
  DOCTEST_CHECK(heat_source_of_zone("acpitz") == kUnknown);
  DOCTEST_CHECK(heat_source_of("GPU") == kCard);
}

DOCTEST_TEST_CASE("hwmon's chips are known by their drivers") {
  for (const char* driver : {"coretemp", "k10temp", "k8temp", "zenpower", "via_cputemp",
                             "cpu_thermal", "soc_thermal", "apm_xgene", "sfctemp"}) {
    DOCTEST_CAPTURE(driver);
    DOCTEST_CHECK(heat_source_of_chip(driver) == kProcessor);
  }
  for (const char* driver : {"nct6779", "nct6687", "it8686", "w83627ehf", "f71882fg", "sch5636",
                             "jc42", "spd5118", "nvme", "drivetemp", "mt7921_phy0", "iwlwifi_1",
                             "BAT0", "ucsi_source_psy_2", "corsaircpro", "lm75", "mlx5"}) {
    DOCTEST_CAPTURE(driver);
    DOCTEST_CHECK(heat_source_of_chip(driver) == kElsewhere);
  }
  DOCTEST_CHECK(heat_source_of_chip("amdgpu") == kCard);
  DOCTEST_CHECK(heat_source_of_chip("dell_smm") == kUnknown);
}

DOCTEST_TEST_CASE("only the processor counts, and a card where the board has places on it") {
  const Choice alone(kPc, {});
  DOCTEST_CHECK(alone.names == Strings{"x86_pkg_temp"});
  DOCTEST_CHECK(alone.missing.empty());
  DOCTEST_CHECK(Choice(kPc, {}, true).names == Strings{"x86_pkg_temp", "edge"});
}

DOCTEST_TEST_CASE("a board file chooses, and its wildcards match what there is") {
  DOCTEST_CHECK(Choice(kPc, {.zones = {"acpitz", "CPU*"}, .ignore = {}}).names ==
                Strings{"acpitz", "CPUTIN"});
  DOCTEST_CHECK(Choice(kPc, {.zones = {"*"}, .ignore = {"*TIN", "SODIMM*"}}).names ==
                Strings{"x86_pkg_temp", "acpitz", "edge"});
  DOCTEST_CHECK(Choice(kPc, {.zones = {}, .ignore = {"x86*"}}).names == Strings{"acpitz"});
}

DOCTEST_TEST_CASE("a name of a board file that is not measured is told with those that are") {
  const Choice choice({{"cpu0", kProcessor}, {"cpu1", kProcessor}},
                      {.zones = {"cpu0", "soc"}, .ignore = {"skin"}});
  DOCTEST_REQUIRE(choice.missing.size() == 2);
  DOCTEST_CHECK(choice.missing[0].line() ==
                "temperature_c.soc: is not measured here; check `temperature: zones` of the board "
                "file; there is temperature_c.cpu{0-1}");
  DOCTEST_CHECK(choice.missing[1].path == "temperature_c.skin");
}

DOCTEST_TEST_CASE("what says nothing of itself counts where there is nothing better, and is told") {
  const Choice choice({{"acpitz", kUnknown}, {"skin", kElsewhere}}, {});
  DOCTEST_CHECK(choice.names == Strings{"acpitz"});
  DOCTEST_REQUIRE(choice.missing.size() == 1);
  DOCTEST_CHECK(choice.missing[0].path == "temperature_c.acpitz");
}

DOCTEST_TEST_CASE("a machine whose heat nobody measures is told that a budget on it is blind") {
  for (const auto& all :
       {std::vector<Temperature>{}, std::vector<Temperature>{{"CPUTIN", kElsewhere}}}) {
    const Choice choice(all, {});
    DOCTEST_CHECK(choice.names.empty());
    DOCTEST_REQUIRE(choice.missing.size() == 1);
    DOCTEST_CHECK(choice.missing[0].reason.ends_with("a budget on heat is blind"));
  }
}

}  // namespace rein
