#include "cli/usage.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>

#include "cli/nearest.hpp"

namespace rein {

namespace {

/// The verb that was chosen, or the part of it: `network train`. @return "" for none.
const CLI::App* chosen_verb(const CLI::App& app, std::string& name) {
  const CLI::App* verb = &app;
  while (!verb->get_subcommands().empty()) {
    verb = verb->get_subcommands().front();
    name += (name.empty() ? "" : " ") + verb->get_name();
  }
  return verb;
}

std::vector<std::string> verbs_of(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::App* verb : app.get_subcommands(/*filter=*/{})) {
    names.push_back(verb->get_name());
  }
  return names;
}

std::vector<std::string> options_of(const CLI::App* verb) {
  std::vector<std::string> names;
  for (; verb != nullptr; verb = verb->get_parent()) {
    for (const CLI::Option* option : verb->get_options()) {
      for (const auto& name : option->get_lnames()) {
        names.push_back("--" + name);
      }
    }
  }
  return names;
}

bool is_option(const std::string& word) { return word.size() > 1 && word.front() == '-'; }

}  // namespace

std::string describe_misuse(const CLI::App& app, const CLI::ParseError& error,
                            const std::vector<std::string>& words) {
  std::string name;
  const CLI::App* const verb = chosen_verb(app, name);
  const std::string help = fmt::format("`rein {}{}--help`", name, name.empty() ? "" : " ");
  const std::string prefix = name.empty() ? "" : name + ": ";

  // What nobody took, in the order in which it was typed.
  const std::vector<std::string> left = app.remaining(/*recurse=*/true);
  const auto find_left = [&](bool option) {
    const auto found = std::ranges::find_if(words, [&](const std::string& word) {
      return is_option(word) == option && std::ranges::count(left, word) > 0;
    });
    return found == words.end() ? std::string() : *found;
  };
  const std::string option = find_left(true);
  const std::string word = find_left(false);
  const bool wants_verb = !verbs_of(*verb).empty();
  if (wants_verb && !word.empty()) {
    return fmt::format("{}unknown verb '{}'{}: {} shows all", prefix, word,
                       did_you_mean(verbs_of(*verb), word), help);
  }
  if (!option.empty()) {
    const std::string typed = option.substr(0, option.find('='));
    return fmt::format("{}unknown option '{}'{}: {} shows all", prefix, typed,
                       did_you_mean(options_of(verb), typed), help);
  }
  if (wants_verb) {
    return fmt::format("{}expected one of {}, found nothing: {} says more", prefix,
                       fmt::join(verbs_of(*verb), ", "), help);
  }
  if (!word.empty()) {
    return fmt::format("{}expected nothing more, found '{}': {} says more", prefix, word, help);
  }
  return fmt::format("{}{}: {} says more", prefix, error.what(), help);
}

CLI::Validator a_seed() {
  return CLI::Range(std::int64_t{0}, std::numeric_limits<std::int64_t>::max()).description("");
}

CLI::Validator above_zero() {
  return {[](std::string& text) {
            double number = 0.0;
            const bool right =
                CLI::detail::lexical_cast(text, number) && std::isfinite(number) && number > 0.0;
            return right ? std::string() : "expected a number above 0, found '" + text + "'";
          },
          ""};
}

}  // namespace rein
