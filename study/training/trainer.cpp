#include "study/training/trainer.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <nlohmann/json.hpp>
#include <utility>

#include "agent/loop/control_loop.hpp"
#include "agent/loop/run_summary.hpp"
#include "common/clock.hpp"
#include "common/config_node.hpp"
#include "common/error.hpp"
#include "common/files.hpp"
#include "common/json_text.hpp"
#include "study/evaluation/episode_figures.hpp"

namespace rein {

namespace {

constexpr const char* kFormat = "rein training";
constexpr int kVersion = 1;
/// Before a round that takes longer the agent is saved, so that nobody has to wait for its end.
constexpr double kLongRoundS = 0.5;

std::filesystem::path agent_in(const std::filesystem::path& folder) {
  return folder / "agent.json";
}

std::filesystem::path state_in(const std::filesystem::path& folder) {
  return folder / "training.json";
}

void archive_point(Archive& archive, LearningPoint& point) {
  archive.count("episodes", point.episodes, Range::seed());
  archive.count("periods", point.periods, Range::seed());
  archive.number("reward", point.reward);
  archive.number("objective", point.objective);
  archive.number("violation", point.violation);
  archive.number("miss_share", point.miss_share);
  archive.number("seconds", point.seconds, Range::non_negative());
}

std::string to_csv(const std::vector<LearningPoint>& curve) {
  const auto cell = [](const std::optional<double>& value) {
    return value ? fmt::format("{:.9g}", *value) : "";
  };
  std::string text = "episodes,periods,reward,objective,violation,miss_share,seconds\n";
  for (const auto& point : curve) {
    text += fmt::format("{},{},{:.9g},{},{},{},{:.3f}\n", point.episodes, point.periods,
                        point.reward, cell(point.objective), cell(point.violation),
                        cell(point.miss_share), point.seconds);
  }
  return text;
}

/// What one agent came to in one episode.
Figures play(Agent& agent, const Episode& episode, const Objective& objective,
             const std::function<bool()>& stop) {
  const SteadyClock clock;
  RunSummary summary(*episode.environment, episode.duration_s);
  ControlLoop(*episode.environment, agent, clock, {[&](const PeriodRecord& record) {
    summary.add(record);
  }}).run(episode.seed, stop);
  return figures_of(summary, objective);
}

}  // namespace

Trainer::Trainer(const Options& options, Lesson& lesson, MakeAgent make_agent,
                 DrawEpisode validation, const Objective& objective, std::filesystem::path folder)
    : options_(options),
      lesson_(lesson),
      make_agent_(std::move(make_agent)),
      validation_(std::move(validation)),
      objective_(objective),
      folder_(std::move(folder)) {}

bool Trainer::is_begun(const std::filesystem::path& folder) { return is_there(state_in(folder)); }

void Trainer::archive(Archive& archive) {
  archive.same("format", kFormat);
  archive.same("version", kVersion);
  std::string setting = options_.setting;
  archive.text("setting", setting);
  if (setting != options_.setting) {
    archive.reject("setting",
                   "expected the training of the same run files, profile, agent and options: those "
                   "of config.yaml beside it");
  }
  archive.keep(episodes_, periods_, seconds_, curve_);
  archive.count("episodes", episodes_, Range::seed());
  archive.count("periods", periods_, Range::seed());
  archive.number("seconds", seconds_, Range::non_negative());
  archive.list("curve", curve_, archive_point);
}

void Trainer::resume(Agent& agent) {
  // JSON is YAML, and so gets errors with line and key.
  Archive read(ConfigNode::load_record(state_in(folder_)));
  archive(read);
  read.reject_unknown();
  agent.load(agent_in(folder_));
  read.finish();
}

void Trainer::run(Agent& agent, const ForEach& for_each, const std::function<bool()>& stop,
                  const Progress& progress) {
  const auto save_all = [&] {
    agent.save(agent_in(folder_));
    save();
    saved_ = episodes_;
  };
  double round_s = 0.0;
  while (true) {
    if (is_due()) {
      save_all();
      if (const auto point = validate(for_each, stop)) {
        add(*point, agent);
      }
    }
    if (episodes_ >= options_.episodes || stop()) {
      break;
    }
    if (round_s > kLongRoundS && saved_ != episodes_) {
      save_all();
    }
    // What is saved is what there was before the round, so that it can be given up.
    const bool can_give_up = saved_ == episodes_;
    const std::uint64_t count = std::min(lesson_.episodes_at_once(), options_.episodes - episodes_);
    const auto before = std::chrono::steady_clock::now();
    const auto periods = lesson_.teach(
        agent, episodes_, count, [&] { return can_give_up && stop(); },
        [&](double share) {
          progress(static_cast<double>(episodes_) + share * static_cast<double>(count), curve_);
        });
    if (!periods) {
      agent.load(agent_in(folder_));
      break;
    }
    periods_ += *periods;
    round_s = std::chrono::duration<double>(std::chrono::steady_clock::now() - before).count();
    seconds_ += round_s;
    episodes_ += count;
  }
  save_all();
}

bool Trainer::is_done() const {
  return episodes_ >= options_.episodes && !curve_.empty() && curve_.back().episodes == episodes_;
}

bool Trainer::is_due() const {
  if (curve_.empty()) {
    return true;
  }
  const std::uint64_t last = curve_.back().episodes;
  const std::uint64_t every = options_.validate_every;
  return episodes_ != last && (episodes_ / every > last / every || episodes_ >= options_.episodes);
}

std::optional<LearningPoint> Trainer::validate(const ForEach& for_each,
                                               const std::function<bool()>& stop) const {
  std::vector<Figures> episodes(options_.validation_episodes);
  for_each(episodes.size(), [&](std::size_t i) {
    // A copy for each episode, which learns on as it would where it is used, and is thrown away.
    Random random(0);
    const auto copy = make_agent_(random);
    copy->load(agent_in(folder_));
    episodes[i] = play(*copy, validation_(i), objective_, stop);
  });
  if (stop()) {
    return std::nullopt;
  }
  const auto mean_of = [means = average(episodes)](const std::string& name) {
    const auto found = std::ranges::find(means, name, [](const auto& mean) { return mean.first; });
    return found == means.end() ? std::nullopt : found->second.mean;
  };
  return LearningPoint{.episodes = episodes_,
                       .periods = periods_,
                       .reward = mean_of("reward").value_or(0.0),
                       .objective = mean_of("objective"),
                       .violation = mean_of("violation"),
                       .miss_share = mean_of("miss_share"),
                       .seconds = seconds_};
}

void Trainer::add(const LearningPoint& point, const Agent& agent) {
  const auto untrained = agent_in(folder_ / "untrained");
  const auto best = agent_in(folder_ / "best");
  if (curve_.empty()) {
    agent.save(untrained);
  } else if (point.reward > std::ranges::max(curve_, {}, &LearningPoint::reward).reward) {
    agent.save(best);
  } else if (curve_.size() == 1 && std::filesystem::exists(untrained)) {
    // Nothing that was trained was better so far.
    make_folder(best.parent_path());
    std::filesystem::rename(untrained, best);
  }
  curve_.push_back(point);
}

void Trainer::save() {
  Archive written;
  archive(written);
  write_file(state_in(folder_), json_text(written.json(), 1) + "\n");
  write_file(folder_ / "training.csv", to_csv(curve_));
}

}  // namespace rein
