#include "engine/report/page.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "engine/report/claims/claims.hpp"
#include "engine/report/figures.hpp"
#include "engine/store/status_text.hpp"
#include "io/files.hpp"
#include "io/html.hpp"
#include "io/human_text.hpp"

namespace impsweep {
namespace {

constexpr std::size_t kMostFailures = 50;

// Letters and digits of the title, for links inside of the page.
std::string anchor(const std::string& title) {
  return "s-" + file_name_of(title);
}

std::string paragraph(const std::string& text, const char* style = "") {
  return text.empty() ? "" : fmt::format("<p class=\"{}\">{}</p>\n", style, html_escape(text));
}

std::string figure_text(const ReportFigure& figure, const std::filesystem::path& directory) {
  const auto files_of = [](const Figure& picture) {
    return fmt::format(
        " <a href=\"figures/{0}.svg\">SVG</a> <a href=\"figures/{0}.pdf\">PDF</a> "
        "<a href=\"figures/{0}.png\">PNG</a>",
        html_escape(picture.name));
  };
  const auto drawing_of = [&](const Figure& picture) {
    return inline_svg(read_text_file(directory / (picture.name + ".svg")), figure.title);
  };
  std::string pictures, files;
  if (figure.labels.empty()) {
    for (const Figure& picture : figure.pictures) {
      pictures += drawing_of(picture);
      files += files_of(picture);
    }
  } else {
    std::vector<std::pair<std::string, std::string>> frames;
    for (std::size_t i = 0; i < figure.pictures.size(); ++i)
      frames.emplace_back(figure.labels[i], drawing_of(figure.pictures[i]) + files_of(figure.pictures[i]));
    pictures = html_slider(frames);
  }
  const bool wide = std::ranges::any_of(figure.pictures, [](const Figure& picture) {
    return picture.columns > 1 && picture.panels.size() > 1;
  });
  return fmt::format("<figure{}><strong>{}</strong>\n{}<figcaption>{}{}</figcaption></figure>\n",
                     wide ? " class=\"wide\"" : "", html_escape(figure.title), pictures,
                     html_escape(figure.caption), files);
}

std::string section_text(const ReportSection& section, const std::filesystem::path& directory) {
  if (section.figures.empty() && section.tables.empty() && section.note.empty()) return "";
  std::string text = fmt::format("<section id=\"{}\"><h2>{}</h2>\n", html_escape(anchor(section.title)),
                                 html_escape(section.title));
  text += paragraph(section.note, "muted");
  for (const ReportTable& table : section.tables)
    text += paragraph(table.caption, "muted") + html_table(table.table);
  text += "<div class=\"grid\">\n";
  for (const ReportFigure& figure : section.figures) text += figure_text(figure, directory);
  return text + "</div></section>\n";
}

std::string overview(const Results& results) {
  std::string text = "<section id=\"overview\">";
  for (const StoreFacts& store : results.stores) {
    const StoreStatus& status = store.status;
    const double part = part_done(status.trainings_done, status.trainings);
    std::string state = "Complete";
    if (status.trainings_done < status.trainings)
      state = status.live_ranks > 0
                  ? fmt::format("Under way on {} rank{}, ETA {}", status.live_ranks,
                                status.live_ranks == 1 ? "" : "s", duration_text(status.eta_seconds))
                  : fmt::format("Incomplete; no run is working on it, about {} of work left on one core",
                                duration_text(status.eta_seconds));
    if (!store.damage.empty())
      state += fmt::format("; but {} damaged file{}, left out here and named below", store.damage.size(),
                           store.damage.size() == 1 ? "" : "s");
    text += fmt::format(
        "<p><strong>{}</strong>: {} of {} trainings, {} of {} chains; {} failed, {} blocked. {}.</p>"
        "<div class=\"bar\"><span style=\"width:{:.1f}%\"></span></div>\n",
        html_escape(store.path), status.trainings_done, status.trainings, status.chains_done, status.chains,
        status.failed.size(), status.blocked.size(), html_escape(state), 100 * part);
    if (const std::string beside = beside_chains_text(status.beside); !beside.empty())
      text += fmt::format("<p>Besides the chains below: {}.</p>\n", html_escape(beside));
    if (const std::string warning = irreproducible_text(status.irreproducible); !warning.empty())
      text += fmt::format("<p>{}</p>\n", html_escape(warning));
    if (const std::string warning = without_path_text(status.without_path); !warning.empty())
      text += fmt::format("<p>{}</p>\n", html_escape(warning));
  }
  HtmlTable table;
  table.header = {"task", "algorithm", "network", "variant", "pruned per round", "what is there"};
  for (const Group& group : results.groups)
    table.rows.push_back({group.task, group.algorithm, group.network, group.variant,
                          percent_text(group.settings.imp.prune_fraction), coverage_text(group)});
  return text + html_table(table) + "</section>\n";
}

std::string verdict_cell(statistics::Outcome verdict) {
  const std::string_view text = verdict_text(verdict);
  const bool is_equivalent = verdict == statistics::Outcome::kEquivalent;
  return fmt::format("<span class=\"verdict {}\">{}</span>",
                     verdict == statistics::Outcome::kNotRun ? "not-run"
                     : is_equivalent                         ? "supported"
                                                             : text,
                     is_equivalent ? "equivalent within the margin" : text);
}

std::string effect_text(const statistics::Decision& decision) {
  std::string text = decision.estimate ? fmt::format("{:.3g}", *decision.estimate) : "";
  if (decision.interval)
    text += fmt::format(" [{:.3g}, {:.3g}]", decision.interval->low, decision.interval->high);
  return decision.size_is_lower_bound ? "≥ " + text : text;
}

std::string finding_row(const Finding& finding) {
  const statistics::Decision& decision = finding.decision;
  std::string note = finding.note;
  const auto add = [&](const std::string& text) { note += (note.empty() ? "" : "; ") + text; };
  if (!decision.reason.empty()) add(decision.reason);
  if (decision.outcome == statistics::Outcome::kUndecided && decision.n_for_80_percent_power &&
      static_cast<std::size_t>(*decision.n_for_80_percent_power) > decision.n)
    add(fmt::format("about {} seeds would decide it", *decision.n_for_80_percent_power));
  return fmt::format(
      "<tr{}><td>{}</td><td>{} {}</td><td class=\"number\">{}</td><td class=\"number\">{}</td><td>{}</td>"
      "<td>{}</td></tr>\n",
      finding.together ? " class=\"total\"" : "", html_escape(finding.setting), html_escape(finding.estimand),
      html_escape(finding.claim), effect_text(decision), decision.n, verdict_cell(decision.outcome),
      html_escape(note));
}

// The effect of the part that decides, for the line that is always seen.
std::string headline(const JudgedHypothesis& hypothesis) {
  std::string text;
  for (std::size_t i = 0; i < hypothesis.findings.size(); ++i) {
    const Finding& finding = hypothesis.findings[i];
    const bool last_of_part =
        i + 1 == hypothesis.findings.size() || hypothesis.findings[i + 1].estimand != finding.estimand;
    if (last_of_part && finding.decision.estimate)
      text += (text.empty() ? "" : "; ") + effect_text(finding.decision) + " " + finding.claim;
  }
  return text;
}

std::string claim_text(const JudgedHypothesis& hypothesis) {
  const std::string scope = scope_text(hypothesis), effect = headline(hypothesis);
  const std::string head = fmt::format(
      "<strong>{}</strong><span>{} {}{}{}</span>", html_escape(hypothesis.id), html_escape(hypothesis.claim),
      effect.empty() ? "" : fmt::format("<span class=\"muted\">{}</span> ", html_escape(effect)),
      verdict_cell(hypothesis.verdict),
      scope.empty() ? "" : fmt::format(" <span class=\"muted\">[{}]</span>", html_escape(scope)));
  std::string rows;
  for (const Finding& finding : hypothesis.findings) rows += finding_row(finding);
  std::string rules;
  for (const std::string& rule : hypothesis.rules) rules += fmt::format("<li>{}</li>", html_escape(rule));
  std::string text =
      fmt::format("<details><summary class=\"claim\">{}</summary><ul class=\"muted\">{}</ul>\n", head, rules);
  text += paragraph(
      fmt::format("Needs: {}.{}{}", hypothesis.needs,
                  hypothesis.seen.empty() || hypothesis.missing.empty()
                      ? ""
                      : fmt::format(" Not in these stores: {}.", list_text(hypothesis.missing)),
                  hypothesis.unfit.empty()
                      ? ""
                      : fmt::format(" There, but not with such chains and the paper's settings: {}.",
                                    list_text(hypothesis.unfit))),
      "muted");
  text += paragraph(hypothesis.remark, "muted");
  if (!hypothesis.what_would_decide.empty())
    text += paragraph("Undecided: " + hypothesis.what_would_decide + ".");
  if (!rows.empty())
    text +=
        "<div class=\"scroll\"><table><thead><tr><th>setting</th><th>of every seed, and the claim</th>"
        "<th>mean [interval]</th><th>seeds</th><th>verdict</th><th></th></tr></thead><tbody>\n" +
        rows + "</tbody></table></div>";
  return text + "</details>\n";
}

std::string verdicts(const std::vector<JudgedHypothesis>& hypotheses, Metric metric) {
  const auto count = [&](statistics::Outcome verdict) {
    return std::ranges::count(hypotheses, verdict, &JudgedHypothesis::verdict);
  };
  using statistics::Outcome;
  std::string text = fmt::format(
      "<section id=\"verdicts\"><h2>The paper's claims</h2>\n"
      "<p class=\"muted\">Judged by {}{}. P is the return on a scale from the untrained network (0) to the "
      "dense agent (1), AUC its mean over rounds from 1 on whose density is 2.5 % or more. First the effect "
      "and "
      "its {:g} % interval over seeds, then the word. Fewer than five seeds decide nothing. Chains count as "
      "the "
      "paper's if their settings are, whatever they are called; budgets are those of the table above. A "
      "claim is "
      "called supported within the settings in brackets alone. Each claim errs in at most 5 % of cases to "
      "either "
      "side, so of all of them one or two false words are to be expected.</p>\n",
      metric_title(metric),
      metric == Metric::kReevaluated
          ? " (fresh episodes of the best checkpoint)"
          : ", which was asked for; claims are meant to be judged by re-evaluated return",
      100 * claims::kConfidence);
  text += paragraph(fmt::format("{} supported, {} contradicted, {} equivalent, {} undecided, {} not run.",
                                count(Outcome::kSupported), count(Outcome::kContradicted),
                                count(Outcome::kEquivalent), count(Outcome::kUndecided),
                                count(Outcome::kNotRun)));
  std::string not_run;
  for (const JudgedHypothesis& hypothesis : hypotheses)
    (hypothesis.verdict == Outcome::kNotRun ? not_run : text) += claim_text(hypothesis);
  if (!not_run.empty())
    text += fmt::format(
        "<details class=\"rest\"><summary>{} claims that no task in these stores speaks to</summary>\n{}"
        "</details>\n",
        count(Outcome::kNotRun), not_run);
  return text + "</section>\n";
}

std::string failures(const Results& results) {
  HtmlTable table;
  table.header = {"chain", "round", "reason"};
  std::size_t count = 0;
  for (const StoreFacts& store : results.stores)
    for (const auto* list : {&store.status.failed, &store.status.blocked})
      for (const UnfinishedTraining& training : *list)
        if (count++ < kMostFailures) table.rows.push_back({training.chain, training.round, training.reason});
  std::string text = "<section id=\"failures\"><h2>Failures</h2>\n";
  if (table.rows.empty())
    text += paragraph("No training failed.", "muted");
  else
    text += html_table(table);
  if (count > kMostFailures) text += paragraph(fmt::format("and {} more", count - kMostFailures), "muted");
  for (const StoreFacts& store : results.stores)
    for (const std::string& damage : store.damage) text += paragraph(damage, "undecided");
  return text + "</section>\n";
}

std::string provenance(const Results& results) {
  std::string text = "<section id=\"provenance\"><h2>Provenance</h2>\n";
  for (const StoreFacts& store : results.stores) {
    HtmlTable table;
    table.header = {"store", store.path};
    for (const auto& [name, value] : store.fingerprint) table.rows.push_back({name, value});
    const auto list = [](const std::map<std::string, std::int64_t>& counts) {
      std::string names;
      for (const auto& [name, count] : counts)
        names += fmt::format("{}{} ({} training{})", names.empty() ? "" : ", ", name, count,
                             count == 1 ? "" : "s");
      return names;
    };
    table.rows.push_back({"trained by impsweep", list(store.versions)});
    table.rows.push_back({"hosts", list(store.hosts)});
    table.rows.push_back({"processor time", fmt::format("{:.2f} core-hours", store.cpu_seconds / 3600)});
    text += html_table(table);
    for (const FrozenJob& job : store.jobs)
      text += fmt::format("<details><summary>job {}</summary><pre>{}</pre></details>\n",
                          html_escape(job.digest.substr(0, 16)), html_escape(job.text));
  }
  return text + "</section>\n";
}

}  // namespace

std::string report_page(const Results& results, const std::vector<ReportSection>& sections,
                        const std::vector<JudgedHypothesis>& hypotheses, Metric metric,
                        const std::filesystem::path& figures) {
  std::string links = "<a href=\"#overview\">overview</a> ";
  std::string body;
  for (const ReportSection& section : sections) {
    const std::string text = section_text(section, figures);
    if (text.empty()) continue;
    links += fmt::format("<a href=\"#{}\">{}</a> ", html_escape(anchor(section.title)),
                         html_escape(section.title));
    body += text;
  }
  if (!hypotheses.empty()) links += "<a href=\"#verdicts\">the paper's claims</a> ";
  links += "<a href=\"#failures\">failures</a> <a href=\"#provenance\">provenance</a>";
  return html_page(
      "impsweep report",
      fmt::format("<nav>{}</nav>\n<main><h1>Sweep report</h1>\n{}{}{}{}{}</main>", links, overview(results),
                  body, hypotheses.empty() ? "" : verdicts(hypotheses, metric), failures(results),
                  provenance(results)));
}

}  // namespace impsweep
