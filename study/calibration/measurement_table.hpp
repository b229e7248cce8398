#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace rein {

/// One measurement: a network, or the idle machine, in one configuration.
struct MeasuredRow {
  std::size_t line = 0;          ///< In the file.
  std::string network;           ///< Empty: the machine idles.
  std::string kind;              ///< Of work; the network's name unless the table says.
  std::optional<double> mflops;  ///< Of one image.
  double images = 1.0;           ///< In a request.
  std::string device;            ///< The domain that it is computed on, or empty: not said.
  std::string place;             ///< Or the board's place, by its name.
  int threads = 1;
  std::vector<double> mhz;  ///< [domains] Of the table.
  std::optional<double> latency_ms;
  std::optional<double> latency_sd_ms;
  std::optional<double> power_w;  ///< Of the whole board.
  std::optional<double> temperature_c;
  double ambient_c = 25.0;
  std::string co_runner;  ///< What ran beside it; empty: nothing.
  bool is_held_back = false;
};

/// A table of measurements of one machine, as docs/fit-board.md describes it.
struct MeasurementTable {
  std::string file;
  std::vector<std::string> domains;  ///< Clock domains, in the order of their columns.
  std::vector<MeasuredRow> rows;
  bool has_mflops = false;
  bool has_held_back = false;  ///< The table says which rows are held back.
  bool has_ambient = false;

  /// @throws ConfigError naming file, line and column.
  static MeasurementTable read(const std::filesystem::path& file);
  /// `name` stands for the file in messages.
  static MeasurementTable parse(const std::string& text, const std::string& name);

  /// Holds back this share of each network's rows, which the seed chooses. @pre !has_held_back
  void hold_back(double share, std::uint64_t seed);
};

}  // namespace rein
