#include "platform/quantities.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <set>

#include "common/error.hpp"
#include "common/files.hpp"

namespace rein {
namespace {

DOCTEST_TEST_CASE("docs/boards.md names all quantities that a board file may name") {
  const std::string boards = read_file(REIN_SOURCE_DIR "/docs/boards.md");
  for (const auto& quantity : quantities()) {
    DOCTEST_CAPTURE(quantity.name);
    DOCTEST_CHECK((!quantity.is_given ||
                   boards.find(fmt::format("`{}.`", quantity.name)) != std::string::npos));
  }
}

DOCTEST_TEST_CASE("each row of the table of quantities can be") {
  std::set<std::string_view> names;
  for (const auto& quantity : quantities()) {
    DOCTEST_CAPTURE(quantity.name);
    DOCTEST_CHECK(names.insert(quantity.name).second);
    DOCTEST_CHECK(quantity.name.find('.') == std::string_view::npos);
    DOCTEST_CHECK_FALSE(quantity.unit.empty());
    DOCTEST_CHECK(quantity.min < quantity.max);
    DOCTEST_CHECK_FALSE((quantity.whole.empty() && quantity.each.empty()));
    DOCTEST_CHECK(quantity.each.empty() == quantity.behind.empty());
    const bool is_usual_anywhere = quantity.usual_min == quantity.usual_max;
    DOCTEST_CHECK((is_usual_anywhere ||
                   (quantity.usual_min >= quantity.min && quantity.usual_max <= quantity.max)));
    DOCTEST_CHECK((quantity.sight.of != Sight::Of::kWhole || !quantity.whole.empty()));
    for (const auto& files : quantity.files) {
      DOCTEST_CHECK(files.pattern.starts_with("/sys/"));
      DOCTEST_CHECK(files.scale > 0.0);
    }
  }
}

DOCTEST_TEST_CASE("a quantity is found by what comes before the dot, and not by its end") {
  DOCTEST_CHECK(quantity_of("power_w.A15.x").name == "power_w");
  DOCTEST_CHECK(quantity_of("power_w").unit == "W");
  DOCTEST_CHECK(find_quantity("my_power_w.A15") == nullptr);
  DOCTEST_CHECK(find_quantity("") == nullptr);
  DOCTEST_CHECK_THROWS_AS(quantity_of("power"), Error);
  DOCTEST_CHECK(name_behind_dot("power_w.A15.x") == "A15.x");
  DOCTEST_CHECK(name_behind_dot("power_w").empty());
  const Signal signal = make_signal("temperature_c", "soc", "there");
  DOCTEST_CHECK(signal.name == "temperature_c.soc");
  DOCTEST_CHECK(signal.unit == "degC");
  DOCTEST_CHECK(signal.source == "there");
}

DOCTEST_TEST_CASE("values are folded as their quantity says") {
  const auto folded = [](Fold fold) {
    Folded values(fold);
    DOCTEST_CHECK_FALSE(values.value());
    values.add(-2.0, 1.0);
    values.add(-8.0, 3.0);
    return values.value();
  };
  DOCTEST_CHECK(folded(Fold::kMean) == -6.5);
  DOCTEST_CHECK(folded(Fold::kSum) == -10.0);
  DOCTEST_CHECK(folded(Fold::kMost) == -2.0);
  DOCTEST_CHECK(folded(Fold::kLast) == -8.0);
}

}  // namespace
}  // namespace rein
