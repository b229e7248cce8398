#include "study/evaluation/variants.hpp"

#include <cctype>

#include "agent/loop/shield.hpp"
#include "agent/make_agent.hpp"

namespace rein {

namespace {

constexpr Range kPractice{.min = 0.0, .max = 1e6};

Variant read_variant(const ConfigNode& node) {
  Variant variant{.name = node.at("name").name(),
                  .kind = node.at("agent").at("kind").one_of(agent_kinds()),
                  .agent = node.at("agent"),
                  .load = {},
                  .practice = {},
                  .shield = {}};
  if (node.has("load")) {
    variant.load = node.at("load");
    variant.load->text();
  }
  if (node.has("practice")) {
    variant.practice = static_cast<std::uint64_t>(node.at("practice").integer(kPractice));
  }
  if (node.has("shield")) {
    variant.shield = node.at("shield");
    ShieldSetting::from_yaml(*variant.shield);
  }
  node.reject_unknown();
  return variant;
}

}  // namespace

Variant Variant::of_kind(const std::string& kind) {
  return {.name = kind, .kind = kind, .agent = {}, .load = {}, .practice = {}, .shield = {}};
}

std::vector<Variant> read_variants(const std::filesystem::path& file) {
  std::vector<Variant> variants;
  for (const auto& node : ConfigNode::load(file).items()) {
    variants.push_back(read_variant(node));
  }
  return variants;
}

std::string as_file_name(std::string name) {
  for (char& c : name) {
    const bool plain = std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '-' || c == '_';
    c = plain ? c : '-';
  }
  return name;
}

}  // namespace rein
