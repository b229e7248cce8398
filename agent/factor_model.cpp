#include "agent/factor_model.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <numbers>

namespace rein {

namespace {

void expect_count(const ConfigNode& node, std::size_t found, std::size_t expected) {
  if (found != expected) {
    node.reject(fmt::format("expected {} numbers, found {}", expected, found));
  }
}

std::vector<double> numbers(const ConfigNode& node, const std::string& key, std::size_t count) {
  auto values = node.at(key).numbers();
  expect_count(node.at(key), values.size(), count);
  return values;
}

}  // namespace

nlohmann::ordered_json FactorModel::to_json() const {
  nlohmann::ordered_json json;
  json["lasting"] = lasting;
  json["passing"] = passing;
  json["offset"] = offset;
  json["basis"] = basis;
  json["own"] = own;
  return json;
}

FactorModel FactorModel::from_json(const ConfigNode& node) {
  FactorModel model;
  model.lasting = static_cast<std::size_t>(node.at("lasting").integer({.min = 0, .max = 1000}));
  model.passing = static_cast<std::size_t>(node.at("passing").integer({.min = 0, .max = 1000}));
  model.offset = node.at("offset").numbers();
  model.own = numbers(node, "own", model.quantities());
  model.basis = numbers(node, "basis", model.quantities() * model.factors());
  node.reject_unknown();
  return model;
}

Belief::Belief(const FactorModel& model)
    : model_(&model),
      mean_(model.factors(), 0.0),
      covariance_(model.factors() * model.factors(), 0.0),
      own_mean_(model.quantities(), 0.0),
      own_variance_(model.own),
      row_(model.factors()),
      gain_(model.factors()) {
  for (std::size_t i = 0; i < model.factors(); ++i) {
    covariance_[i * model.factors() + i] = 1.0;
  }
}

void Belief::combine(std::span<const Evidence::Part> parts) const {
  std::ranges::fill(row_, 0.0);
  for (const auto& part : parts) {
    const auto row = model_->row(part.quantity);
    for (std::size_t i = 0; i < row.size(); ++i) {
      row_[i] += part.weight * row[i];
    }
  }
  std::ranges::fill(gain_, 0.0);
  const std::size_t n = row_.size();
  for (std::size_t i = 0; i < n; ++i) {
    if (row_[i] == 0.0) {
      continue;
    }
    const double* covariances = covariance_.data() + i * n;
    for (std::size_t j = 0; j < n; ++j) {
      gain_[j] += row_[i] * covariances[j];
    }
  }
}

Estimate Belief::estimate(std::span<const Evidence::Part> parts) const {
  combine(parts);
  Estimate result;
  for (const auto& part : parts) {
    result.mean += part.weight * (model_->offset[part.quantity] + own_mean_[part.quantity]);
    result.variance += part.weight * part.weight * own_variance_[part.quantity];
  }
  for (std::size_t i = 0; i < row_.size(); ++i) {
    if (row_[i] != 0.0) {
      result.mean += row_[i] * mean_[i];
      result.variance += row_[i] * gain_[i];
    }
  }
  return result;
}

double Belief::update(const Evidence& evidence) {
  const Estimate expected =
      estimate(evidence.parts);  // Leaves what belongs to the factors in gain_.
  const double variance = expected.variance + evidence.noise;
  const double surprise = (evidence.value - expected.mean) / variance;
  const std::size_t n = gain_.size();
  for (std::size_t i = 0; i < n; ++i) {
    mean_[i] += gain_[i] * surprise;
    double* covariances = covariance_.data() + i * n;
    const double share = gain_[i] / variance;
    for (std::size_t j = 0; j < n; ++j) {
      covariances[j] -= share * gain_[j];
    }
  }
  // Taken to be independent of the factors, so that each is a number and not a row.
  for (const auto& part : evidence.parts) {
    double& own = own_variance_[part.quantity];
    const double gain = part.weight * own;
    own_mean_[part.quantity] += gain * surprise;
    own -= gain * gain / variance;
  }
  return -0.5 * (surprise * surprise * variance + std::log(2.0 * std::numbers::pi * variance));
}

void Belief::drift(double variance) {
  const std::size_t n = mean_.size();
  for (std::size_t i = 0; i < model_->lasting; ++i) {
    double& own = covariance_[i * n + i];
    own = std::min(1.0, own + variance);
  }
}

void Belief::forget_passing() {
  const std::size_t n = mean_.size();
  for (std::size_t i = model_->lasting; i < n; ++i) {
    mean_[i] = 0.0;
    for (std::size_t j = 0; j < n; ++j) {
      covariance_[i * n + j] = covariance_[j * n + i] = 0.0;
    }
    covariance_[i * n + i] = 1.0;
  }
}

Belief::Passing Belief::passing() const {
  const std::size_t n = mean_.size();
  Passing result;
  for (std::size_t i = model_->lasting; i < n; ++i) {
    result.mean.push_back(mean_[i]);
    for (std::size_t j = model_->lasting; j < n; ++j) {
      result.covariance.push_back(covariance_[i * n + j]);
    }
  }
  return result;
}

void Belief::recall(const Passing& passing) {
  forget_passing();
  const std::size_t n = mean_.size();
  for (std::size_t i = 0; i < model_->passing; ++i) {
    mean_[model_->lasting + i] = passing.mean[i];
    for (std::size_t j = 0; j < model_->passing; ++j) {
      covariance_[(model_->lasting + i) * n + model_->lasting + j] =
          passing.covariance[i * model_->passing + j];
    }
  }
}

nlohmann::ordered_json Belief::to_json() const {
  nlohmann::ordered_json json;
  json["mean"] = mean_;
  json["covariance"] = covariance_;
  json["own_mean"] = own_mean_;
  json["own_variance"] = own_variance_;
  return json;
}

void Belief::load(const ConfigNode& node) {
  auto mean = numbers(node, "mean", mean_.size());
  auto covariance = numbers(node, "covariance", covariance_.size());
  auto own_mean = numbers(node, "own_mean", own_mean_.size());
  auto own_variance = numbers(node, "own_variance", own_variance_.size());
  node.reject_unknown();
  mean_ = std::move(mean);
  covariance_ = std::move(covariance);
  own_mean_ = std::move(own_mean);
  own_variance_ = std::move(own_variance);
}

}  // namespace rein
